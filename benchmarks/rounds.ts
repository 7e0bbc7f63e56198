/** What is measured in a round. */
export interface Turn<Name extends string> {
  readonly name: Name;
  /** It has its turn in every n-th round. */
  readonly every: number;
}

/** What was measured in one round. */
export type Round<Name extends string, Value> = Readonly<Partial<Record<Name, Value>>>;

export interface RoundsPlan<Name extends string, Value> {
  readonly turns: readonly Turn<Name>[];
  readonly measure: (name: Name) => Promise<Value>;
  readonly minRounds: number;
  readonly maxRounds: number;
  /** From `minRounds` on there is no further round after it. */
  readonly budgetMs: number;
  /** Asked after every `checkEvery` rounds, from `minRounds` on. */
  readonly isSettled: (rounds: readonly Round<Name, Value>[]) => boolean;
  readonly checkEvery?: number;
  /** In ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Measures round after round, beginning with another one each time, so that a machine that grows warm or
 * busy favours none: until it is settled, or rounds or time have run out.
 */
export async function measureRounds<Name extends string, Value>(
  plan: RoundsPlan<Name, Value>,
): Promise<Round<Name, Value>[]> {
  const { turns, measure, minRounds, maxRounds, budgetMs, isSettled, checkEvery = 5 } = plan;
  const now = plan.now ?? (() => performance.now());
  const startMs = now();
  const rounds: Round<Name, Value>[] = [];
  while (rounds.length < maxRounds) {
    const round: Partial<Record<Name, Value>> = {};
    for (const name of turnsOfRound(turns, rounds.length)) round[name] = await measure(name);
    rounds.push(round);
    if (rounds.length < minRounds) continue;
    if (now() - startMs >= budgetMs) break;
    if (rounds.length % checkEvery === 0 && isSettled(rounds)) break;
  }
  return rounds;
}

/** Those whose turn it is, in the order of that round. The first round has all of them. */
export function turnsOfRound<Name extends string>(turns: readonly Turn<Name>[], round: number): Name[] {
  const names = turns.filter(({ every }) => round % every === 0).map(({ name }) => name);
  const first = round % Math.max(1, names.length);
  return [...names.slice(first), ...names.slice(0, first)];
}

/** Their measurements, without the rounds in which one was missing. */
export function valuesOf<Name extends string, Value, Result>(
  rounds: readonly Round<Name, Value>[],
  names: readonly Name[],
  combine: (...values: Value[]) => Result,
): Result[] {
  return rounds.flatMap((round) => {
    const values = names.map((name) => round[name]);
    return values.every((value) => value !== undefined) ? [combine(...(values as Value[]))] : [];
  });
}

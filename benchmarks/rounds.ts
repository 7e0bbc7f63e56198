/** Something to measure, and how often. */
export interface Turn<Name extends string> {
  readonly name: Name;
  /** It is measured in every n-th round. */
  readonly every: number;
}

/** The measurements of one round. */
export type Round<Name extends string, Value> = Readonly<Partial<Record<Name, Value>>>;

export interface RoundsPlan<Name extends string, Value> {
  readonly turns: readonly Turn<Name>[];
  readonly measure: (name: Name) => Promise<Value>;
  readonly minRounds: number;
  readonly maxRounds: number;
  /** Once it is over and `minRounds` are done, no further round begins. */
  readonly budgetMs: number;
  /** Called after every `checkEvery` rounds, from `minRounds` on. */
  readonly isSettled: (rounds: readonly Round<Name, Value>[]) => boolean;
  readonly checkEvery?: number;
  /** A clock in ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Measures round after round, until the result is settled, or rounds or time have run out. Each round begins with
 * another turn, so that a machine that becomes warm or busy favours none.
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

/** The names to measure in a round, in its order. The first round has all of them. */
export function turnsOfRound<Name extends string>(turns: readonly Turn<Name>[], round: number): Name[] {
  const names = turns.filter(({ every }) => round % every === 0).map(({ name }) => name);
  const first = round % Math.max(1, names.length);
  return [...names.slice(first), ...names.slice(0, first)];
}

/** Combines the measurements of `names` in each round. Rounds that lack one of them are left out. */
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

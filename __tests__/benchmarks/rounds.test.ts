import { describe, expect, it } from '@jest/globals';
import { ratiosOf, summarise } from '../../benchmarks/fit-benchmark.js';
import { measureRounds, turnsOfRound, type RoundsPlan } from '../../benchmarks/rounds.js';

type Name = 'a' | 'b' | 'slow';

const TURNS = [
  { name: 'a', every: 1 },
  { name: 'b', every: 1 },
  { name: 'slow', every: 3 },
] as const;

/** A plan with a fake clock. Each measurement takes one second of it. */
function fakePlan(limits: Partial<RoundsPlan<Name, number>>): {
  plan: RoundsPlan<Name, number>;
  measured: Name[];
} {
  const measured: Name[] = [];
  return {
    measured,
    plan: {
      turns: TURNS,
      measure: (name) => Promise.resolve(measured.push(name)),
      minRounds: 2,
      maxRounds: 20,
      budgetMs: Infinity,
      isSettled: () => false,
      now: () => 1000 * measured.length,
      ...limits,
    },
  };
}

describe('measureRounds', () => {
  it('begins each round with another turn, and leaves out the turns that are not due', async () => {
    const { plan: four, measured } = fakePlan({ maxRounds: 4 });
    await measureRounds(four);
    expect(measured.join(' ')).toBe('a b slow b a a b a b slow');
    expect(turnsOfRound(TURNS, 6)).toEqual(['a', 'b', 'slow']);
  });

  it('ends when the rounds are settled, but not before minRounds', async () => {
    const checked: number[] = [];
    const { plan: settling } = fakePlan({
      minRounds: 4,
      checkEvery: 3,
      isSettled: ({ length }) => {
        checked.push(length);
        return length >= 9;
      },
    });
    expect(await measureRounds(settling)).toHaveLength(9);
    expect(checked).toEqual([6, 9]);
  });

  it('ends when time or rounds have run out', async () => {
    expect(await measureRounds(fakePlan({ budgetMs: 6000 }).plan)).toHaveLength(3);
    expect(await measureRounds(fakePlan({ budgetMs: 0 }).plan)).toHaveLength(2);
    expect(await measureRounds(fakePlan({ maxRounds: 5 }).plan)).toHaveLength(5);
  });
});

describe('fit ratios', () => {
  const rounds = [
    { bare: 100, control: 100, callback: 101, 'predict-again': 150 },
    { bare: 200, control: 220, callback: 210 },
    { bare: 50, control: 50, callback: 51 },
  ];

  it('compares with the mean of both bare fits of the same round', () => {
    expect(ratiosOf(rounds, 'callback')).toEqual([1.01, 1, 1.02]);
    expect(ratiosOf(rounds, 'predict-again')).toEqual([1.5]);
    expect(ratiosOf(rounds, 'control')).toEqual([1, 1.1, 1]);
  });

  it('summarises ratios as medians, and settles by the width of two intervals', () => {
    const names = ['bare', 'control', 'callback', 'predict-again'] as const;
    const { bareMs, ratios, isSettled } = summarise(rounds, names);
    expect(bareMs).toBe(100);
    expect(ratios.callback?.median).toBe(1.01);
    expect(ratios['keep-outputs']).toBeUndefined();
    expect(isSettled).toBe(false);
    const similar = Array.from({ length: 30 }, (_, i) => ({
      bare: 100,
      control: 100 + 0.01 * i,
      callback: 101,
    }));
    expect(summarise(similar, names).isSettled).toBe(true);
  });
});

import { describe, expect, test } from '@jest/globals';
import { ratiosOf, summarise } from '../../benchmarks/fit-benchmark.js';
import { measureRounds, turnsOfRound, type RoundsPlan } from '../../benchmarks/rounds.js';

type Name = 'a' | 'b' | 'slow';

const TURNS = [
  { name: 'a', every: 1 },
  { name: 'b', every: 1 },
  { name: 'slow', every: 3 },
] as const;

/** A plan whose measurements take a second each of a clock of its own. */
function plan(limits: Partial<RoundsPlan<Name, number>>): {
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

describe('the rounds', () => {
  test('begin with another one each time, and leave out whose turn it is not', async () => {
    const { plan: four, measured } = plan({ maxRounds: 4 });
    await measureRounds(four);
    expect(measured.join(' ')).toBe('a b slow b a a b a b slow');
    expect(turnsOfRound(TURNS, 6)).toEqual(['a', 'b', 'slow']);
  });

  test('end when they are settled, but not before the least number', async () => {
    const asked: number[] = [];
    const { plan: settling } = plan({
      minRounds: 4,
      checkEvery: 3,
      isSettled: ({ length }) => {
        asked.push(length);
        return length >= 9;
      },
    });
    expect(await measureRounds(settling)).toHaveLength(9);
    expect(asked).toEqual([6, 9]);
  });

  test('end when time or rounds have run out', async () => {
    expect(await measureRounds(plan({ budgetMs: 6000 }).plan)).toHaveLength(3);
    expect(await measureRounds(plan({ budgetMs: 0 }).plan)).toHaveLength(2);
    expect(await measureRounds(plan({ maxRounds: 5 }).plan)).toHaveLength(5);
  });
});

describe('the ratios', () => {
  const rounds = [
    { bare: 100, control: 100, callback: 101, 'predict-again': 150 },
    { bare: 200, control: 220, callback: 210 },
    { bare: 50, control: 50, callback: 51 },
  ];

  test('are to the mean of both bare fits of the same round', () => {
    expect(ratiosOf(rounds, 'callback')).toEqual([1.01, 1, 1.02]);
    expect(ratiosOf(rounds, 'predict-again')).toEqual([1.5]);
    expect(ratiosOf(rounds, 'control')).toEqual([1, 1.1, 1]);
  });

  test('are summed up as medians, and settled by the width of two intervals', () => {
    const names = ['bare', 'control', 'callback', 'predict-again'] as const;
    const { bareMs, ratios, isSettled } = summarise(rounds, names);
    expect(bareMs).toBe(100);
    expect(ratios.callback?.median).toBe(1.01);
    expect(ratios['keep-outputs']).toBeUndefined();
    expect(isSettled).toBe(false);
    const alike = Array.from({ length: 30 }, (_, i) => ({
      bare: 100,
      control: 100 + 0.01 * i,
      callback: 101,
    }));
    expect(summarise(alike, names).isSettled).toBe(true);
  });
});

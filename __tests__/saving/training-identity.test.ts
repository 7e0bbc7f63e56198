import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { newTraining, ofNewestTraining } from '../../src/saving/training-identity.js';

const NOW = 1_700_000_000_000;

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function at(startedAt: number, id = '00000000000000aa') {
  return { training: { id, startedAt } };
}

describe('newTraining', () => {
  it('has an id of 16 hex digits, another one each time', () => {
    const ids = Array.from({ length: 100 }, () => newTraining([]).id);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(ids).size).toBe(100);
  });

  it('has one where there is no `crypto`', () => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!;
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
    try {
      const ids = Array.from({ length: 100 }, () => newTraining([]).id);
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
      expect(new Set(ids).size).toBe(100);
    } finally {
      Object.defineProperty(globalThis, 'crypto', descriptor);
    }
  });

  it.each([
    ['the time, in an empty store', [], NOW],
    ['the time, beside an older training', [NOW - 5], NOW],
    ['later than one of the same millisecond', [NOW], NOW + 1],
    ['later than all others, after the clock was set back', [3, NOW + 7000, NOW + 10], NOW + 7001],
    [
      'a number that is stored exactly, whatever the store holds',
      [Number.MAX_SAFE_INTEGER],
      Number.MAX_SAFE_INTEGER,
    ],
  ])('begins at %s', (_name, others, expected) => {
    jest.useFakeTimers({ now: NOW });
    expect(newTraining(others.map((startedAt) => at(startedAt).training)).startedAt).toBe(expected);
  });
});

describe('ofNewestTraining', () => {
  const older = at(NOW, 'ffffffffffffffff');
  const newer = at(NOW + 1, '0000000000000000');

  it('leaves what belongs to the newest training, in the same order', () => {
    const [first, second] = [{ ...newer }, { ...newer }];
    expect(ofNewestTraining([first, older, second])).toEqual([newer, newer]);
    expect(ofNewestTraining([older, newer])[0]).toBe(newer);
    expect(ofNewestTraining([])).toEqual([]);
  });

  it('never mixes two trainings that began in the same millisecond, in whatever order they are listed', () => {
    const twin = at(NOW, '0123456789abcdef');
    expect(ofNewestTraining([older, twin])).toEqual(ofNewestTraining([twin, older]));
    expect(ofNewestTraining([older, twin])).toHaveLength(1);
  });
});

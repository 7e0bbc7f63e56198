import { describe, expect, it, test } from '@jest/globals';
import { BestValue, type BestValueOptions } from '../../src/selection/best-value.js';

const DEFAULTS: BestValueOptions = {
  mode: 'max',
  termSize: 0,
  minDelta: 0,
  startFromEpoch: 0,
  initialThreshold: null,
  patience: Infinity,
};

/** The epochs that became the best, from their values in order. */
function bestEpochs(values: (number | null)[], options: Partial<BestValueOptions> = {}): number[] {
  const bestValue = new BestValue({ ...DEFAULTS, ...options });
  return values.flatMap((value, epoch) => {
    const isBetter = bestValue.isBetter(epoch, value);
    bestValue.add(epoch, value);
    return isBetter ? [epoch] : [];
  });
}

describe('the best epoch', () => {
  test.each<[string, (number | null)[], Partial<BestValueOptions>, number[]]>([
    ['is the first of all', [0.1], {}, [0]],
    [
      'is never later than `patience` epochs without a better one',
      [0.1, 0.3, 0.2, 0.1, 0.9],
      { patience: 2 },
      [0, 1],
    ],
    [
      'may follow any number of epochs below the threshold',
      [0.1, 0.2, 0.9],
      { patience: 1, initialThreshold: 0.5 },
      [2],
    ],
    [
      'may follow fewer than `patience` epochs without a better one',
      [0.1, 0.3, 0.2, 0.4, 0.1, 0.2, 0.9],
      { patience: 2 },
      [0, 1, 3],
    ],
    [
      'does not count epochs without a finite value towards the patience',
      [0.3, null, NaN, 0.9],
      { patience: 1 },
      [0, 3],
    ],
    [
      'counts the patience from `startFromEpoch` on',
      [0.9, 0.1, 0.3, 0.2],
      { patience: 1, startFromEpoch: 2 },
      [2],
    ],
    ['is any with a larger value', [0.3, 0.2, 0.4, 0.35, 0.5], {}, [0, 2, 4]],
    ['is any with a smaller value, in mode min', [0.3, 0.4, 0.2, 0.25, 0.1], { mode: 'min' }, [0, 2, 4]],
    ['is the earlier of two equal epochs', [0.3, 0.3, 0.5, 0.5], {}, [0, 2]],
    ['is the earlier of two equal epochs, in mode min', [0.5, 0.5, 0.3, 0.3], { mode: 'min' }, [0, 2]],
    ['may have a negative value', [-0.5, -0.7, -0.2, 0], {}, [0, 2, 3]],
    ['may have the value 0, and −0 is not better', [0, -0], { mode: 'min' }, [0]],
    ['is the earlier of epochs that differ by rounding', [0.5, 0.5 + 7e-6, 0.5 + 8e-6], {}, [0, 2]],
    ['is the earlier of them in mode min', [0.5, 0.5 - 7e-6, 0.5 - 8e-6], { mode: 'min' }, [0, 2]],
    ['may gain little by steps that are none each', [1, 1 + 1e-5, 1 + 2e-5, 1 + 3e-5], {}, [0, 2]],
    ['may be a small value', [1e-6, 1.1e-6, 1.2e-6], {}, [0, 1, 2]],
    ['is compared by the terms of a difference', [1e-6, 1.1e-5, 2e-5], { termSize: 1 }, [0, 2]],
    ['must improve by more than minDelta and rounding', [0.7, 0.8, 0.9], { minDelta: 0.1 }, [0, 2]],

    ['must improve by more than minDelta', [1, 1.25, 1.5, 1.875], { minDelta: 0.25 }, [0, 2, 3]],
    [
      'must improve by more than minDelta, in mode min',
      [2, 1.75, 1.5, 1.125],
      { mode: 'min', minDelta: 0.25 },
      [0, 2, 3],
    ],
    [
      'is compared with the best epoch, not with the previous one',
      [1, 1.125, 1.25, 1.375],
      { minDelta: 0.25 },
      [0, 3],
    ],
    ['needs no minDelta if it is the first', [0.01], { minDelta: 5 }, [0]],

    ['is not selected before startFromEpoch', [0.9, 0.8, 0.3, 0.4], { startFromEpoch: 2 }, [2, 3]],
    ['is none if startFromEpoch is never reached', [0.9, 0.8], { startFromEpoch: 2 }, []],

    ['must beat initialThreshold', [0.4, 0.5, 0.6, 0.55], { initialThreshold: 0.5 }, [2]],
    [
      'must beat initialThreshold, in mode min',
      [0.6, 0.5, 0.4, 0.45],
      { mode: 'min', initialThreshold: 0.5 },
      [2],
    ],
    ['must beat an initialThreshold of 0', [-1, 0, 1], { initialThreshold: 0 }, [2]],
    [
      'must beat initialThreshold by more than minDelta',
      [0.5, 0.75, 1],
      { initialThreshold: 0.5, minDelta: 0.25 },
      [2],
    ],
    ['is none if nothing beats initialThreshold', [0.1, 0.2], { initialThreshold: 0.5 }, []],

    ['is never NaN, which does not block', [NaN, 0.1, NaN, 0.2], {}, [1, 3]],
    ['is never NaN, which does not block, in mode min', [NaN, 0.2, NaN, 0.1], { mode: 'min' }, [1, 3]],
    ['is never Infinity, which does not block', [Infinity, 0.1, Infinity, 0.2], {}, [1, 3]],
    ['is never −Infinity, which does not block', [-Infinity, 0.2, -Infinity, 0.1], { mode: 'min' }, [1, 3]],
    ['is never an epoch without a value', [null, 0.1, null, 0.2], {}, [1, 3]],
    ['is none without any value', [null, NaN, Infinity, -Infinity], {}, []],
  ])('%s', (_, values, options, expected) => {
    expect(bestEpochs(values, options)).toEqual(expected);
  });

  it('is not changed by isBetter', () => {
    const bestValue = new BestValue(DEFAULTS);
    expect([bestValue.isBetter(0, 1), bestValue.isBetter(0, 1), bestValue.isBetter(0, 0.5)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(bestValue.eligibleEpochs).toBe(0);
    bestValue.add(0, 1);
    expect([bestValue.isBetter(1, 1), bestValue.isBetter(1, 0.5), bestValue.isBetter(1, 2)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('eligibleEpochs and firstIsBest', () => {
  test.each<[string, (number | null)[], Partial<BestValueOptions>, number, boolean]>([
    ['before the first epoch', [], {}, 0, false],
    ['the only epoch is the first', [0.5], {}, 1, true],
    ['the first stays the best', [0.5, 0.4, 0.3], {}, 3, true],
    ['the first stays the best of equals', [0.5, 0.5], {}, 2, true],
    ['a later one is better', [0.5, 0.6, 0.3], {}, 3, false],
    ['the first one counts from startFromEpoch', [0.1, 0.2, 0.9, 0.3], { startFromEpoch: 2 }, 2, true],
    ['an epoch without a finite value does not count', [NaN, null, 0.5, 0.4], {}, 2, true],
    [
      'the first did not beat the threshold, the second did',
      [0.4, 0.6, 0.5],
      { initialThreshold: 0.5 },
      3,
      false,
    ],
    ['none beat the threshold', [0.4, 0.3], { initialThreshold: 0.5 }, 2, false],
  ])('%s', (_, values, options, eligibleEpochs, firstIsBest) => {
    const bestValue = new BestValue({ ...DEFAULTS, ...options });
    values.forEach((value, epoch) => {
      bestValue.add(epoch, value);
    });
    expect({ eligibleEpochs: bestValue.eligibleEpochs, firstIsBest: bestValue.firstIsBest }).toEqual({
      eligibleEpochs,
      firstIsBest,
    });
  });
});

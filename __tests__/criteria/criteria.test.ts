import { describe, expect, test } from '@jest/globals';
import { CRITERIA, CRITERION_NAMES, criterionOf, type EpochFacts } from '../../src/criteria/criterion.js';

const { consensus, 'label-wave': labelWave } = CRITERIA;

const facts = (
  valChanges: number | null,
  trainEntropy = 0.3,
  valEntropy: number | null = 0.3,
  valInformation: number | null = 0.5,
): EpochFacts => ({
  valChanges,
  valInformation,
  trainEntropy,
  valEntropy,
});

test('by name', () => {
  expect(CRITERION_NAMES).toEqual(['max-entropy', 'consensus', 'label-wave']);
  expect(criterionOf('max-entropy')).toBeNull();
  expect(criterionOf('label-wave')).toBe(labelWave);
});

describe('consensus', () => {
  test('is the share that agrees, less the entropy of validation above that of training', () => {
    // Around the epoch: (0.5 + 0.3) / 2 = 0.4; 1 − 0.2 − (0.4 − 0.25).
    expect(consensus.valueOf([facts(null, 0.6, 0.5), facts(0.2, 0.25, 0.3)])).toBeCloseTo(0.65, 12);
  });

  test('counts for less as long as the predictions hardly depend on the row', () => {
    const at = (information: number | null): number | null =>
      consensus.valueOf([facts(null, 0.6, 0.5), facts(0.2, 0.25, 0.3, information)]);
    expect(at(0.1)).toBeCloseTo(0.65, 12);
    expect(at(0.02)).toBeCloseTo(0.65 / 5, 12);
    // Rounding can take it below 0.
    expect(at(-1e-9)).toBe(0);
    expect(at(null)).toBeNull();
  });

  test('is higher for a network that is less sure of its training', () => {
    expect(consensus.valueOf([facts(null), facts(0.2, 0.5, 0.3)])).toBeCloseTo(1, 12);
  });

  test('takes the entropy of its own end where there was no validation before', () => {
    expect(consensus.valueOf([facts(null, 0.6, null), facts(0.2, 0.25, 0.3)])).toBeCloseTo(0.75, 12);
    expect(consensus.valueOf([facts(0.2, 0.25, 0.3)])).toBeCloseTo(0.75, 12);
  });

  test('has no value with nothing to compare with', () => {
    expect(consensus.valueOf([facts(null)])).toBeNull();
    expect(consensus.valueOf([facts(0.1, 0.3, null)])).toBeNull();
    expect(consensus.valueOf([])).toBeNull();
  });
});

describe('label wave', () => {
  test('is the mean of the last three shares that are known', () => {
    expect(labelWave.valueOf([facts(0.9), facts(0.4), facts(0.3), facts(0.2)])).toBeCloseTo(0.3, 12);
    expect(labelWave.valueOf([facts(null), facts(0.4)])).toBeCloseTo(0.4, 12);
    expect(labelWave.valueOf([facts(0.4), facts(null), facts(0.2)])).toBeCloseTo(0.3, 12);
  });

  test('has no value with nothing to compare with', () => {
    expect(labelWave.valueOf([facts(0.4), facts(null)])).toBeNull();
    expect(labelWave.valueOf([])).toBeNull();
  });
});

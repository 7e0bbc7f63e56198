import { describe, expect, it, test } from '@jest/globals';
import { WINDOW_EPOCHS, type ComparedValues } from '../../../src/selection/monitors/comparing-monitor.js';
import { consensus } from '../../../src/selection/monitors/consensus.js';
import { labelWave } from '../../../src/selection/monitors/label-wave.js';
import { COMPARING_MONITORS } from '../../../src/selection/monitors/registry.js';

const epochWith = (
  valChanges: number | null,
  trainEntropy = 0.3,
  valEntropy: number | null = 0.3,
  valInformation: number | null = 0.5,
): ComparedValues => ({ valChanges, valInformation, trainEntropy, valEntropy });

test('the comparing monitors are registered by the values of the option `monitor`', () => {
  expect(COMPARING_MONITORS).toEqual({ consensus, label_wave: labelWave });
});

test.each(Object.entries(COMPARING_MONITORS))(
  '%s looks at no more epochs than the window',
  (_, { valueOf }) => {
    const epochs = [0.9, 0.8, 0.4, 0.3, 0.2].map((changes) => epochWith(changes, 0.2 * changes));
    expect(valueOf(epochs)).toBe(valueOf(epochs.slice(-WINDOW_EPOCHS)));
  },
);

describe('consensus', () => {
  it('is the share that agrees, minus the gap between validation and training entropy', () => {
    // Around the epoch: (0.5 + 0.3) / 2 = 0.4; 1 − 0.2 − (0.4 − 0.25).
    expect(consensus.valueOf([epochWith(null, 0.6, 0.5), epochWith(0.2, 0.25, 0.3)])).toBeCloseTo(0.65, 12);
  });

  it('is scaled down while the predictions hardly depend on the row', () => {
    const at = (information: number | null): number | null =>
      consensus.valueOf([epochWith(null, 0.6, 0.5), epochWith(0.2, 0.25, 0.3, information)]);
    expect(at(0.1)).toBeCloseTo(0.65, 12);
    expect(at(0.02)).toBeCloseTo(0.65 / 5, 12);
    // Rounding can take it below 0.
    expect(at(-1e-9)).toBe(0);
    expect(at(null)).toBeNull();
  });

  it('is higher for a network that is less certain of its training rows', () => {
    expect(consensus.valueOf([epochWith(null), epochWith(0.2, 0.5, 0.3)])).toBeCloseTo(1, 12);
  });

  it('uses only the validation entropy of the epoch if the previous one has none', () => {
    expect(consensus.valueOf([epochWith(null, 0.6, null), epochWith(0.2, 0.25, 0.3)])).toBeCloseTo(0.75, 12);
    expect(consensus.valueOf([epochWith(0.2, 0.25, 0.3)])).toBeCloseTo(0.75, 12);
  });

  it('has no value with nothing to compare with', () => {
    expect(consensus.valueOf([epochWith(null)])).toBeNull();
    expect(consensus.valueOf([epochWith(0.1, 0.3, null)])).toBeNull();
    expect(consensus.valueOf([])).toBeNull();
  });
});

describe('label wave', () => {
  it('is the mean of the known shares among the last three epochs', () => {
    const epochs = [epochWith(0.9), epochWith(0.4), epochWith(0.3), epochWith(0.2)];
    expect(labelWave.valueOf(epochs)).toBeCloseTo(0.3, 12);
    expect(labelWave.valueOf([epochWith(null), epochWith(0.4)])).toBeCloseTo(0.4, 12);
    expect(labelWave.valueOf([epochWith(0.4), epochWith(null), epochWith(0.2)])).toBeCloseTo(0.3, 12);
  });

  it('has no value with nothing to compare with', () => {
    expect(labelWave.valueOf([epochWith(0.4), epochWith(null)])).toBeNull();
    expect(labelWave.valueOf([])).toBeNull();
  });
});

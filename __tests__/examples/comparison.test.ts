import { describe, expect, it } from '@jest/globals';
import {
  compareEpochs,
  comparisonTable,
  recommendation,
  verdict,
} from '../../examples/noisy-mnist/comparison.js';

/** By epoch: entropy, noisy validation accuracy, clean accuracy. */
function epochs(...values: [number, number, number][]): Parameters<typeof compareEpochs>[0] {
  return values.map(([entropy, validationAccuracy, cleanAccuracy], epoch) => ({
    epoch,
    entropy,
    validationAccuracy,
    cleanAccuracy,
    averagedAccuracy: cleanAccuracy + 0.01,
  }));
}

const compare = (all: Parameters<typeof compareEpochs>[0], kept: number, isAveraged = false) =>
  compareEpochs(all, kept, 1, isAveraged);

const MEMORISED = epochs([0.5, 0.4, 0.7], [0.6, 0.5, 0.85], [0.55, 0.52, 0.9], [0.4, 0.45, 0.6]);

const BY_ENTROPY = { monitor: 'entropy', averageWeights: false };

describe('compareEpochs', () => {
  it('finds the best epoch by each value', () => {
    const comparison = compare(MEMORISED, 1);
    expect(comparison.last.epoch).toBe(3);
    expect(comparison.kept.epoch).toBe(1);
    expect(comparison.highestEntropy.epoch).toBe(1);
    expect(comparison.highestValidationAccuracy.epoch).toBe(2);
    expect(comparison.best.epoch).toBe(2);
  });

  it('selects the first of equal epochs', () => {
    expect(compare(epochs([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), 1).best.epoch).toBe(0);
  });

  it('refuses an epoch that was not trained', () => {
    expect(() => compare(MEMORISED, 4)).toThrow('No epoch 4');
  });
});

describe('comparisonTable', () => {
  it('has a row for the average, which may be better than the best epoch', () => {
    const table = comparisonTable(compareEpochs(MEMORISED, 1, 2), BY_ENTROPY);
    expect(table).toMatch(/the same, of averaged weights +│ +2 │ +91\.00 % │ +\+31\.00/);
    expect(table).toMatch(/the best epoch \(needs clean labels\) +│ +2 │ +90\.00 % │ +\+30\.00/);
  });

  it('says that the average was kept', () => {
    const comparison = compareEpochs(MEMORISED, 1, 1, true);
    expect(comparison.kept.cleanAccuracy).toBeCloseTo(0.86, 10);
    const table = comparisonTable(comparison, { monitor: 'val_acc', averageWeights: true });
    expect(table).toMatch(/highest entropy +│ +1 │ +85\.00 %/);
    expect(table).toMatch(/the best val_acc, averaged \(kept\) +│ +1 │ +86\.00 %/);
  });

  it('has one row for the kept epoch if entropy selected it', () => {
    const table = comparisonTable(compare(MEMORISED, 1), BY_ENTROPY);
    expect(table).toMatch(/the last epoch, without a checkpoint +│ +3 │ +60\.00 % │ +0\.00/);
    expect(table).toMatch(/highest entropy \(kept\) +│ +1 │ +85\.00 % │ +\+25\.00/);
  });

  it('has a separate row for an epoch that another monitor selected', () => {
    const table = comparisonTable(compare(MEMORISED, 2), {
      monitor: 'val_loss',
      averageWeights: false,
    });
    expect(table).toMatch(/highest entropy +│ +1/);
    expect(table).toMatch(/the best val_loss \(kept\) +│ +2/);
  });

  it('shows how much worse than the last epoch the kept one is', () => {
    const table = comparisonTable(compare(epochs([0.6, 0.4, 0.7], [0.5, 0.5, 0.9]), 0), BY_ENTROPY);
    expect(table).toMatch(/highest entropy \(kept\) +│ +0 │ +70\.00 % │ +-20\.00/);
  });
});

describe('verdict', () => {
  it('says that the checkpoint helped, and how much better the best epoch is', () => {
    const text = verdict(compare(MEMORISED, 1), 2000);
    expect(text).toContain('helped: epoch 1 is 25.00 points better than the last epoch');
    expect(text).toContain('5.00 points worse than epoch 2, which noisy validation accuracy selects');
    expect(text).toContain('5.00 points worse than the best epoch, 2');
  });

  it('says that the checkpoint did harm', () => {
    const text = verdict(compare(epochs([0.6, 0.4, 0.7], [0.5, 0.5, 0.9]), 0), 2000);
    expect(text).toContain('did harm: epoch 0 is 20.00 points worse than the last epoch');
  });

  it('calls a difference unclear that may be chance with so few test images', () => {
    const text = verdict(compare(epochs([0.6, 0.4, 0.82], [0.5, 0.5, 0.8]), 0), 100);
    expect(text).toContain('made no clear difference: epoch 0 is 2.00 points better');
    expect(text).toContain('With 100 test images, such a difference may be chance');
    expect(text).toContain('No epoch was better');
  });

  it('says that the last epoch was kept', () => {
    const text = verdict(compare(epochs([0.5, 0.4, 0.8], [0.6, 0.5, 0.9]), 1), 2000);
    expect(text).toContain('changed nothing: it kept the last epoch');
    expect(text).toContain('selects the same epoch');
  });
});

describe('recommendation', () => {
  it('names the options, and what they lead to in this run', () => {
    const text = recommendation(compareEpochs(MEMORISED, 1, 2));
    expect(text).toContain("{ monitor: 'val_acc', averageWeights: true }");
    expect(text).toContain('In this run: 91.00 %, 31.00 points better than the last epoch.');
  });

  it('does not hide a run in which they do harm', () => {
    const text = recommendation(compareEpochs(epochs([0.6, 0.5, 0.7], [0.5, 0.4, 0.9]), 0, 0));
    expect(text).toContain('In this run: 71.00 %, 19.00 points worse than the last epoch.');
  });
});

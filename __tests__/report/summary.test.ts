import { describe, expect, it } from '@jest/globals';
import { EntropyCheckpoint, EntropyCheckpointCallback } from '../../src/index.js';
import { summary } from '../../src/report/summary.js';
import { fitWithConfidences } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { fakeTraining } from '../support/fake-training.js';
import { disposeModel, expectNoTensorsLeft, makeModel } from '../support/fixtures.js';

const columnsOf = (rows: readonly object[]): string[][] => rows.map((row) => Object.keys(row));

describe('the summary', () => {
  it('is an empty list before training', () => {
    const model = makeModel();
    expect(new EntropyCheckpointCallback().summary()).toEqual([]);
    expect(new EntropyCheckpoint(model).summary()).toEqual([]);
    expect(summary(fakeTraining([]))).toEqual([]);
    disposeModel(model);
  });

  it('has the values of a training, to four significant digits', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], { monitor: 'val_loss' });
    await expectNoTensorsLeft(() => {
      const rows = checkpoint.summary();
      const logged = ['val_acc', 'loss', 'acc'];
      const names = ['val_loss', 'entropy', 'train_entropy', 'val_entropy', ...logged];
      expect(columnsOf(rows)).toEqual(Array(3).fill(['epoch', ...names, 'state']));
      for (const [i, { entropy, trainEntropy, valEntropy, logs }] of checkpoint.history.entries()) {
        const exact = [
          logs['val_loss'],
          entropy,
          trainEntropy,
          valEntropy,
          ...logged.map((name) => logs[name]),
        ];
        expect(names.map((name) => rows[i]![name])).toEqual(
          exact.map((value) => Number(value!.toPrecision(4))),
        );
      }
      expect(rows.map(({ epoch, state }) => [epoch, state])).toEqual([
        [0, ''],
        [1, 'best'],
        [2, ''],
      ]);
    });
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('says which epochs are kept', () => {
    const values = [0.1, 0.4, 0.9, 0.5, 0.3].map((value) => ({ value }));
    const states = (options: object): string[] =>
      summary(fakeTraining(values, { filepath: 'unused', ...options })).map(({ state }) => state);
    expect(states({})).toEqual(['', '', 'best', '', '']);
    expect(states({ maxToKeep: 3 })).toEqual(['', 'kept', 'best', 'kept', '']);
    expect(states({ maxToKeep: 3, saveLast: true })).toEqual(['', 'kept', 'best', 'kept', 'last']);
    expect(states({ maxToKeep: 5, saveLast: true }).at(-1)).toBe('kept, last');
    expect(states({ mode: 'min', monitor: 'val_loss', saveLast: true })[0]).toBe('best');
    const rising = fakeTraining([{ value: 0.1 }, { value: 0.2 }], { filepath: 'unused', saveLast: true });
    expect(summary(rising).map(({ state }) => state)).toEqual(['', 'best, last']);
  });

  it('has the number of the `fit` call if there were several', () => {
    const calls = fakeTraining([
      { value: 0.1, fit: 0 },
      { value: 0.2, fit: 1 },
    ]);
    expect(summary(calls).map(({ epoch, fit }) => [epoch, fit])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(columnsOf(summary(calls))[0]!.slice(0, 2)).toEqual(['epoch', 'fit']);
  });

  it('calls the value of a function `value`, and that of a rule by its name', () => {
    const epochs = [
      { value: 0.12345, valChanges: null },
      { value: 0.5, valChanges: 0.25 },
    ];
    const [byFunction] = summary(fakeTraining(epochs, { monitor: () => 1, mode: 'max' }));
    expect(byFunction).toMatchObject({ epoch: 0, value: 0.1235, val_changes: null });
    const [, byRule] = summary(fakeTraining(epochs, { monitor: 'label_wave' }));
    expect(byRule).toMatchObject({ label_wave: 0.5, val_changes: 0.25 });
  });

  it('has null where an epoch has no value, and NaN where it has that', () => {
    const rows = summary(
      fakeTraining(
        [
          { value: 0.5, logs: { loss: NaN } },
          { value: null, logs: { val_loss: 123456 } },
        ],
        {},
      ),
    );
    expect(rows).toEqual([
      { epoch: 0, entropy: 0.5, train_entropy: 0.5, loss: NaN, val_loss: null, state: 'best' },
      { epoch: 1, entropy: null, train_entropy: null, loss: null, val_loss: 123500, state: '' },
    ]);
  });

  it('keeps values apart that have the same name', () => {
    const logs = { state: 1, epoch: 2, train_entropy: 3, 'epoch (metric)': 4, ['__proto__']: 5 };
    const [row] = summary(fakeTraining([{ value: 0.5, logs }], { monitor: 'val_acc' }));
    expect(Object.entries(row!)).toEqual([
      ['epoch', 0],
      ['val_acc', 0.5],
      ['entropy', 0.5],
      ['train_entropy', 0.5],
      ['state (metric)', 1],
      ['epoch (metric)', 2],
      ['train_entropy (metric)', 3],
      ['epoch (metric) (metric)', 4],
      ['__proto__', 5],
      ['state', 'best'],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });
});

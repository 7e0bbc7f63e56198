import { describe, expect, test } from '@jest/globals';
import { panelsOf, type Panel } from '../../src/report/panels.js';
import { fakeTraining } from '../support/fake-training.js';

/** The names of the curves, by the title of their panel. */
function namesOf(panels: readonly Panel[]): Record<string, string[]> {
  return Object.fromEntries(panels.map(({ title, curves }) => [title, curves.map(({ name }) => name)]));
}

const monitoredOf = (panels: readonly Panel[]): string[] =>
  panels.flatMap(({ title, curves }) =>
    curves.flatMap(({ name, isMonitored }) => (isMonitored ? [`${title}: ${name}`] : [])),
  );

describe('the panels of a report', () => {
  test('are the entropies, the loss, then each metric, with training and validation in one panel', () => {
    const { selector, monitor } = fakeTraining([
      { value: 0.5, valEntropy: 0.4, logs: { val_acc: 0.1, acc: 0.2, val_loss: 3, loss: 4, auc: 0.5 } },
      { value: 0.6, valEntropy: 0.3, logs: { val_acc: 0.2, acc: 0.3, val_loss: 2, loss: 3, auc: 0.6 } },
    ]);
    const panels = panelsOf(selector.history, monitor);
    expect(Object.entries(namesOf(panels))).toEqual([
      ['Entropy of the predictions', ['training and validation', 'training', 'validation']],
      ['Loss', ['training', 'validation']],
      ['acc', ['training', 'validation']],
      ['auc', ['training']],
    ]);
    expect(Array.from(panels[0]!.curves[2]!.values)).toEqual([0.4, 0.3]);
    expect(panels[2]!.curves.map(({ values }) => Array.from(values))).toEqual([
      [0.2, 0.3],
      [0.1, 0.2],
    ]);
  });

  test('have no curve without values, and no point where a value is not finite', () => {
    const { selector, monitor } = fakeTraining([
      { value: null, trainEntropy: null, logs: { loss: NaN } },
      { value: 0.6, logs: { loss: 2, val_loss: Infinity } },
    ]);
    const panels = panelsOf(selector.history, monitor);
    expect(namesOf(panels)).toEqual({
      'Entropy of the predictions': ['training and validation', 'training'],
      Loss: ['training'],
    });
    expect(Array.from(panels[1]!.curves[0]!.values)).toEqual([NaN, 2]);
  });

  test.each([
    ['entropy', 'Entropy of the predictions: training and validation'],
    ['train_entropy', 'Entropy of the predictions: training'],
    ['val_entropy', 'Entropy of the predictions: validation'],
    ['val_loss', 'Loss: validation'],
    ['acc', 'acc: training'],
  ])('mark the monitored curve with `monitor: %s`: %s', (name, expected) => {
    const epochs = [{ value: 1, valEntropy: 1, logs: { loss: 1, val_loss: 1, acc: 1 } }];
    const { selector, monitor } = fakeTraining(epochs, { monitor: name });
    expect(monitoredOf(panelsOf(selector.history, monitor))).toEqual([expected]);
  });

  test.each([
    ['consensus', { monitor: 'consensus' }, ['consensus', 'changed predictions']],
    ['a function', { monitor: () => 1, mode: 'max' }, ['(a function)', 'changed predictions']],
  ] as const)('include a separate panel for %s', (_, options, expected) => {
    const { selector, monitor } = fakeTraining([{ value: 0.9, valChanges: 0.1 }], options);
    const panels = panelsOf(selector.history, monitor);
    expect(namesOf(panels)['Monitored values']).toEqual(expected);
    expect(monitoredOf(panels)).toEqual([`Monitored values: ${expected[0]}`]);
  });
});

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
      ['Accuracy', ['training', 'validation']],
      ['AUC', ['AUC']],
    ]);
    expect(Array.from(panels[0]!.curves[2]!.values)).toEqual([0.4, 0.3]);
    expect(panels[2]!.curves.map(({ values }) => Array.from(values))).toEqual([
      [0.2, 0.3],
      [0.1, 0.2],
    ]);
  });

  test('have the values of one metric in one panel: training, validation and test', () => {
    const epochs = [
      {
        value: 0.5,
        logs: {
          loss: 2,
          val_loss: 3,
          digit_acc: 0.1,
          val_digit_acc: 0.2,
          test_digit_acc: 0.3,
          learningRate: 1,
        },
      },
    ];
    const { selector, monitor } = fakeTraining(epochs);
    expect(namesOf(panelsOf(selector.history, monitor))).toMatchObject({
      'Digit accuracy': ['training', 'validation', 'test'],
      // Nobody said that it's of the training rows.
      'Learning rate': ['learning rate'],
    });
  });

  test('give the same data the same style in each', () => {
    const { selector, monitor } = fakeTraining([
      { value: 0.5, valEntropy: 0.4, logs: { loss: 1, val_loss: 2, val_acc: 0.1, test_acc: 0.2, lr: 1 } },
    ]);
    const styles = panelsOf(selector.history, monitor).map(({ title, curves }) => [
      title,
      curves.map(({ style }) => style),
    ]);
    expect(styles).toEqual([
      ['Entropy of the predictions', ['all', 'training', 'validation']],
      ['Loss', ['training', 'validation']],
      ['Accuracy', ['validation', 'test']],
      ['Learning rate', ['all']],
    ]);
  });

  test('have different titles, whatever the metrics are called', () => {
    const { selector, monitor } = fakeTraining([{ value: 1, logs: { acc: 1, accuracy: 1, entropy: 1 } }]);
    expect(panelsOf(selector.history, monitor).map(({ title }) => title)).toEqual([
      'Entropy of the predictions',
      'Accuracy (acc)',
      'Accuracy (accuracy)',
      'Entropy (metric)',
    ]);
  });

  test('begin with the one that was monitored', () => {
    const epochs = [{ value: 1, logs: { loss: 2, val_loss: 3, acc: 0.1, val_acc: 0.2 } }];
    const { selector, monitor } = fakeTraining(epochs, { monitor: 'val_acc' });
    expect(panelsOf(selector.history, monitor).map(({ title }) => title)).toEqual([
      'Accuracy',
      'Entropy of the predictions',
      'Loss',
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
    ['acc', 'Accuracy: training'],
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

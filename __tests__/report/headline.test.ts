import { describe, expect, test } from '@jest/globals';
import type { EntropyCheckpointOptions } from '../../src/options.js';
import { headline } from '../../src/report/headline.js';
import { fakeTraining, type GivenEpoch } from '../support/fake-training.js';

type Case = readonly [
  name: string,
  epochs: readonly GivenEpoch[],
  options: EntropyCheckpointOptions,
  expected: string,
];

const withAccuracies = (...accuracies: number[]): GivenEpoch[] =>
  accuracies.map((accuracy) => ({ value: accuracy, logs: { val_acc: accuracy } }));

const CASES: readonly Case[] = [
  ['no epoch', [], {}, 'No epoch has ended yet'],
  ['nothing kept', [{ value: null }], {}, 'No epoch was kept'],
  [
    'a gain of accuracy',
    withAccuracies(0.5, 0.64, 0.5),
    { monitor: 'val_acc' },
    'Epoch 1 was kept: +14.0 points of validation accuracy over the last epoch',
  ],
  [
    'a loss of accuracy',
    [
      { value: 0.7, logs: { val_accuracy: 0.2 } },
      { value: 0.6, logs: { val_accuracy: 0.5 } },
    ],
    {},
    'Epoch 0 was kept: −30.0 points of validation accuracy compared with the last epoch',
  ],
  [
    'the same accuracy',
    [
      { value: 0.7, logs: { val_acc: 0.5 } },
      { value: 0.6, logs: { val_acc: 0.50001 } },
    ],
    {},
    'Epoch 0 was kept: the same validation accuracy as the last epoch',
  ],
  [
    'averaged weights',
    withAccuracies(0.64, 0.5).map((epoch) => ({ ...epoch, isAveraged: true })),
    { monitor: 'val_acc', averageWeights: true },
    'Epoch 0 was kept (averaged weights): +14.0 points of validation accuracy over the last epoch',
  ],
  [
    'the last epoch',
    withAccuracies(0.5, 0.64),
    { monitor: 'val_acc' },
    'Epoch 1, the last one, was kept: 64.0 % validation accuracy',
  ],
  [
    'one epoch without an accuracy',
    [{ value: 0.7 }],
    {},
    'Epoch 0, the only one, was kept: its entropy of 0.7 nats is the highest',
  ],
  [
    'a loss as the monitor',
    [{ value: 1.25 }, { value: 1.5 }],
    { monitor: 'val_loss' },
    'Epoch 0 was kept: its validation loss of 1.25 is 0.25 below that of the last epoch',
  ],
  [
    'a last epoch that was cut short',
    [{ value: 1.25 }, { value: 1.5 }, { value: null }],
    { monitor: 'loss' },
    'Epoch 0 was kept: its training loss of 1.25 is the lowest',
  ],
  [
    'a function as the monitor',
    [{ value: 3 }, { value: 1 }],
    { monitor: () => 1, mode: 'max' },
    'Epoch 0 was kept: its monitored value of 3 is 2 above that of the last epoch',
  ],
  [
    'an accuracy that is not a share',
    [
      { value: 0.7, logs: { val_acc: 64 } },
      { value: 0.5, logs: { val_acc: 50 } },
    ],
    {},
    'Epoch 0 was kept: its entropy of 0.7 nats is 0.2 above that of the last epoch',
  ],
];

describe('the headline of a report', () => {
  test.each(CASES)('with %s', (_, epochs, options, expected) => {
    expect(headline(fakeTraining(epochs, options))).toBe(expected);
  });
});

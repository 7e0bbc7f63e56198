import { describe, expect, it, test } from '@jest/globals';
import type { EntropyCheckpointOptions } from '../../src/options.js';
import { endOfTrainingWarning, explain } from '../../src/report/explain.js';
import { fakeTraining } from '../support/fake-training.js';

interface Training {
  readonly options?: EntropyCheckpointOptions;
  readonly numClasses?: number | null;
  readonly validates?: boolean;
  readonly valInformation?: number;
  readonly logs?: Record<string, number>;
  readonly isAveraged?: true;
}

/** The explanation after a training whose epochs had these values. */
function explained(
  values: (number | null)[],
  {
    options = {},
    numClasses = 10,
    validates = true,
    valInformation = 0.5,
    logs = {},
    isAveraged,
  }: Training = {},
): string {
  const epochs = values.map((value) => ({
    value,
    valEntropy: validates ? value : null,
    valChanges: 0.083,
    valInformation,
    logs,
    ...(isAveraged === undefined ? {} : { isAveraged }),
  }));
  return explain(fakeTraining(epochs, options, numClasses));
}

describe('explain describes', () => {
  test('the highest entropy, from the numbers of the training', () => {
    expect(explained([0.41234, 0.6, 0.5])).toBe(
      'Epoch 1 was kept: its entropy over training and validation of 0.6 nats was the highest of 3 epochs; the last ' +
        'epoch, 2, had 0.5.',
    );
  });

  test('a metric, without doubts about entropy', () => {
    expect(explained([0.4, 0.3, 0.5], { options: { monitor: 'val_loss' }, numClasses: 2 })).toBe(
      'Epoch 1 was kept: its val_loss of 0.3 was the lowest of 3 epochs; the last epoch, 2, had 0.5.',
    );
  });

  test('the consensus', () => {
    const said = explained([null, 0.7, 0.9, ...Array<number>(7).fill(0.8)], {
      options: { monitor: 'consensus' },
    });
    expect(said).toBe(
      'Epoch 2 was kept: it agreed with the average of the epochs before it on the class of 91.7 % of the validation ' +
        'rows. That was the best balance with how much more certain it was of training rows than of validation rows, ' +
        'and none of the 7 epochs after it was better.',
    );
  });

  test('the label wave', () => {
    expect(explained([null, 0.3, 0.2, 0.25], { options: { monitor: 'label_wave' } })).toBe(
      'Epoch 2 was kept: the fewest validation predictions changed, 20.0 % from one epoch to the next, and the ' +
        'epoch after it was not better.',
    );
  });

  test('the value of a function', () => {
    expect(explained([0.4, 0.3, 0.5], { options: { monitor: () => 1, mode: 'min' } })).toBe(
      'Epoch 1 was kept: its monitored value of 0.3 was the lowest of 3 epochs; the last epoch, 2, had 0.5.',
    );
  });

  test('a choice that was made by the patience', () => {
    expect(explained([0.4, 0.9, 0.5, 0.6], { options: { monitor: 'val_acc', patience: 2 } })).toBe(
      'Epoch 1 was kept: its val_acc of 0.9 was the highest of 4 epochs; the last epoch, 3, had 0.6, and none of the ' +
        '2 epochs after it was better.',
    );
  });

  test('that no epoch has ended, or that none could be selected', () => {
    expect(explained([])).toBe('No epoch has ended yet.');
    expect(explained([NaN, null])).toContain('None of the 2 epochs was selected');
  });
});

describe('explain doubts', () => {
  test.each<[string, (number | null)[], Training, RegExp]>([
    [
      'the first epoch that could be selected',
      [0.6, 0.5],
      {},
      /first that could be selected, and probably too early/,
    ],
    ['a best epoch that is the last', [0.4, 0.5, 0.6], {}, /the last epoch.*train for more epochs/],
    [
      'an entropy of two to four classes',
      [0.4, 0.6, 0.5],
      { numClasses: 3 },
      /With 3 classes the entropy says little/,
    ],
    [
      'an entropy without validation',
      [0.4, 0.6, 0.5],
      { validates: false },
      /Without validation data, only training rows/,
    ],
    [
      'a choice that is not made yet',
      [null, 0.9, 0.8, 0.7],
      { options: { monitor: 'consensus' } },
      /before the choice was made/,
    ],
    [
      'a comparing monitor whose best epoch is the last',
      [null, 0.7, 0.8],
      { options: { monitor: 'consensus' } },
      /train for more epochs/,
    ],
  ])('%s', (_, values, training, expected) => {
    expect(explained(values, training)).toMatch(expected);
  });

  test('a network that hardly distinguishes the classes', () => {
    const values = [null, 0.01, 0.03, 0.02];
    const said = (valInformation: number): string =>
      explained(values, { options: { monitor: 'consensus' }, valInformation });
    expect(said(0.04)).toContain('had hardly begun to distinguish the classes');
    expect(said(0.3)).not.toContain('had hardly begun');
  });

  test('at most two things, most serious first', () => {
    const said = explained([0.6, 0.5], { numClasses: 2, validates: false });
    expect(said).toMatch(/too early.*With 2 classes/);
    expect(said).not.toContain('Without validation');
  });

  test.each<[string, Training, string]>([
    ['with labels', { logs: { val_acc: 0.5 } }, "`{ monitor: 'val_acc', averageWeights: true }`."],
    ['without labels', {}, "`{ monitor: 'consensus', averageWeights: true }`."],
    ['with an average', { logs: { val_acc: 0.5 }, isAveraged: true }, "`monitor: 'val_acc'`."],
  ])('the first epoch, and recommends what did best %s', (_, training, recommended) => {
    expect(explained([0.6, 0.5], training)).toContain(`Try \`startFromEpoch\`, or ${recommended}`);
  });

  test('nothing without a reason', () => {
    const said = explained([0.4, 0.6, 0.5], { numClasses: null });
    expect(said.match(/\. /g)).toBeNull();
  });
});

describe('the warning at the end of training', () => {
  const warningAfter = (values: (number | null)[], options: EntropyCheckpointOptions = {}): string | null => {
    const epochs = values.map((value) => ({ value }));
    const { selector, monitor, options: resolved } = fakeTraining(epochs, options);
    return endOfTrainingWarning(selector, { monitor, startFromEpoch: resolved.startFromEpoch });
  };

  it.each<[string, (number | null)[], EntropyCheckpointOptions]>([
    ['a later epoch is the best', [0.4, 0.6, 0.5], {}],
    ['there was only one epoch', [0.4], {}],
    ['only one epoch could be selected', [0.4, 0.5], { startFromEpoch: 1 }],
    ['there was no epoch', [], {}],
    ['the monitor is a metric', [0.9, 0.8, 0.7], { monitor: 'val_acc' }],
  ])('is null if %s', (_, values, options) => {
    expect(warningAfter(values, options)).toBeNull();
  });

  it.each<[string, (number | null)[], EntropyCheckpointOptions, epoch: number, startFromEpoch: number]>([
    ['by default', [0.6, 0.5, 0.4], {}, 0, 0],
    ['after startFromEpoch', [0.6, 0.5, 0.4, 0.3], { startFromEpoch: 2 }, 2, 2],
    ['after epochs that were NaN', [NaN, 0.5, 0.4], {}, 1, 0],
    ['with the validation entropy', [0.6, 0.5], { monitor: 'val_entropy' }, 0, 0],
  ])(
    'says that the first epoch was kept, why, and what to try: %s',
    (_, values, options, epoch, startFromEpoch) => {
      const warning = warningAfter(values, options);
      expect(warning).toContain(`The kept epoch, ${epoch}, is the first that could be selected`);
      expect(warning).toContain('an untrained network is near the maximum');
      expect(warning).toContain(`try a later \`startFromEpoch\` than ${startFromEpoch},`);
    },
  );

  it.each<[string, (number | null)[], EntropyCheckpointOptions]>([
    ['every value is NaN', [NaN, NaN], {}],
    ['every epoch was cut short', [null, null], {}],
    ['startFromEpoch was not reached', [0.5, 0.6], { startFromEpoch: 9 }],
    [
      'nothing beat the threshold, though the monitor is a metric',
      [0.5, 0.6],
      { monitor: 'val_acc', initialThreshold: 0.9 },
    ],
  ])('says that nothing was selected if %s', (_, values, options) => {
    const warning = warningAfter(values, options);
    expect(warning).toContain('None of the 2 epochs was selected');
    expect(warning).toContain('`startFromEpoch`');
    expect(warning).toContain('`initialThreshold`');
  });
});

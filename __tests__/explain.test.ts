import { describe, expect, test } from '@jest/globals';
import { criterionOf } from '../src/criteria/criterion.js';
import type { EpochRecord } from '../src/epoch-record.js';
import { explain } from '../src/explain.js';
import { Monitor } from '../src/monitor.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../src/options.js';

interface Training {
  readonly options?: EntropyCheckpointOptions;
  readonly numClasses?: number | null;
  readonly validates?: boolean;
  readonly valInformation?: number;
}

/** What is said after a training whose epochs had these values. */
function explained(
  values: (number | null)[],
  { options: given = {}, numClasses = 10, validates = true, valInformation = 0.5 }: Training = {},
): string {
  const options = resolveOptions(given);
  const monitor = new Monitor({ ...options, patience: criterionOf(options.criterion)?.patience ?? null });
  const history = values.map((value, epoch): EpochRecord => {
    const isBest = monitor.isBetter(epoch, value);
    monitor.accept(epoch, value);
    const valEntropy = validates ? value : null;
    return {
      epoch,
      fit: 0,
      entropy: value,
      trainEntropy: value,
      valEntropy,
      valChanges: 0.083,
      valInformation,
      value,
      isBest,
      logs: {},
    };
  });
  const best = history.findLast(({ isBest }) => isBest) ?? null;
  return explain({ best, history, monitor, options, numClasses });
}

describe('explains', () => {
  test('the highest entropy, from the numbers of the training', () => {
    expect(explained([0.41234, 0.6, 0.5])).toBe(
      'Epoch 1 was kept: its entropy over training and validation of 0.6 nats was the highest of 3 epochs; the last ' +
        'epoch, 2, had 0.5.',
    );
  });

  test('a metric, with no doubt of an entropy', () => {
    expect(explained([0.4, 0.3, 0.5], { options: { monitor: 'val_loss' }, numClasses: 2 })).toBe(
      'Epoch 1 was kept: its val_loss of 0.3 was the lowest of 3 epochs; the last epoch, 2, had 0.5.',
    );
  });

  test('the consensus', () => {
    const said = explained([null, 0.7, 0.9, ...Array<number>(7).fill(0.8)], {
      options: { criterion: 'consensus' },
    });
    expect(said).toContain('Epoch 2 was kept: it predicted the class of 91.7 % of the validation rows');
    expect(said).toContain(
      'surer it was of its training than of other data, and none of the 7 epochs after it was better.',
    );
  });

  test('the label wave', () => {
    expect(explained([null, 0.3, 0.2, 0.25], { options: { criterion: 'label-wave' } })).toBe(
      'Epoch 2 was kept: fewest predictions of validation were changing, 20.0 % from one epoch to the next, before ' +
        'more did again.',
    );
  });

  test('that there is nothing yet, or nothing that could be chosen', () => {
    expect(explained([])).toBe('No epoch has ended yet.');
    expect(explained([NaN, null])).toContain('None of the 2 epochs was kept');
  });
});

describe('doubts', () => {
  test.each<[string, (number | null)[], Training, RegExp]>([
    ['the first that could be chosen', [0.6, 0.5], {}, /first that could be chosen, and probably too early/],
    ['one that is still rising', [0.4, 0.5, 0.6], {}, /the last one.*train for more epochs/],
    [
      'one of two to four classes',
      [0.4, 0.6, 0.5],
      { numClasses: 3 },
      /With 3 classes the entropy tells little/,
    ],
    ['one without validation', [0.4, 0.6, 0.5], { validates: false }, /Without validation data/],
    [
      'a rule that has not decided',
      [null, 0.9, 0.8, 0.7],
      { options: { criterion: 'consensus' } },
      /before the choice was sure/,
    ],
    [
      'a rule whose best is the last',
      [null, 0.7, 0.8],
      { options: { criterion: 'consensus' } },
      /train for more epochs/,
    ],
  ])('%s', (_, values, training, expected) => {
    expect(explained(values, training)).toMatch(expected);
  });

  test('a network that has not begun to tell the classes apart', () => {
    const values = [null, 0.01, 0.03, 0.02];
    const said = (valInformation: number): string =>
      explained(values, { options: { criterion: 'consensus' }, valInformation });
    expect(said(0.04)).toContain('had not begun to tell the classes apart');
    expect(said(0.3)).not.toContain('had not begun');
  });

  test('two at most, the gravest first', () => {
    const said = explained([0.6, 0.5], { numClasses: 2, validates: false });
    expect(said).toMatch(/too early.*With 2 classes/);
    expect(said).not.toContain('Without validation');
  });

  test('none where there is none', () => {
    const said = explained([0.4, 0.6, 0.5], { numClasses: null });
    expect(said.match(/\. /g)).toBeNull();
  });
});

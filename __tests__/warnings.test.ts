import { expect, test } from '@jest/globals';
import type { EpochRecord } from '../src/epoch-record.js';
import { Monitor } from '../src/monitor.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../src/options.js';
import { endOfTrainingWarning } from '../src/warnings.js';

/** The warning after a training whose epochs had these values. */
function warningAfter(values: (number | null)[], given: EntropyCheckpointOptions = {}): string | null {
  const options = resolveOptions(given);
  const monitor = new Monitor({ ...options, patience: null });
  const history = values.map((value, epoch): EpochRecord => {
    const isBest = monitor.isBetter(epoch, value);
    monitor.accept(epoch, value);
    return { epoch, fit: 0, entropy: value, trainEntropy: value, valEntropy: null, value, isBest, logs: {} };
  });
  const best = history.findLast(({ isBest }) => isBest) ?? null;
  return endOfTrainingWarning({ best, history, monitor, options });
}

test.each<[string, (number | null)[], EntropyCheckpointOptions]>([
  ['a later epoch is the best', [0.4, 0.6, 0.5], {}],
  ['there was one epoch alone', [0.4], {}],
  ['there was one epoch that could be chosen', [0.4, 0.5], { startFromEpoch: 1 }],
  ['there was no epoch', [], {}],
  ['the monitor is a metric', [0.9, 0.8, 0.7], { monitor: 'val_acc' }],
])('says nothing where %s', (_, values, options) => {
  expect(warningAfter(values, options)).toBeNull();
});

test.each<[string, (number | null)[], EntropyCheckpointOptions, epoch: number, startFromEpoch: number]>([
  ['by default', [0.6, 0.5, 0.4], {}, 0, 0],
  ['after startFromEpoch', [0.6, 0.5, 0.4, 0.3], { startFromEpoch: 2 }, 2, 2],
  ['after epochs that were NaN', [NaN, 0.5, 0.4], {}, 1, 0],
  ['of validation', [0.6, 0.5], { monitor: 'val_entropy' }, 0, 0],
])(
  'where the first eligible epoch is the best, says so, why, and what to try: %s',
  (_, values, options, epoch, startFromEpoch) => {
    const warning = warningAfter(values, options);
    expect(warning).toContain(`The kept epoch, ${epoch}, is the first that could be chosen`);
    expect(warning).toContain('an untrained one is near the maximum');
    expect(warning).toContain(`try a later \`startFromEpoch\` than ${startFromEpoch},`);
  },
);

test.each<[string, (number | null)[], EntropyCheckpointOptions]>([
  ['every value is NaN', [NaN, NaN], {}],
  ['every epoch was cut short', [null, null], {}],
  ['startFromEpoch was not reached', [0.5, 0.6], { startFromEpoch: 9 }],
  [
    'nothing beat the threshold, though the monitor is a metric',
    [0.5, 0.6],
    { monitor: 'val_acc', initialThreshold: 0.9 },
  ],
])('where nothing was kept, says so: %s', (_, values, options) => {
  const warning = warningAfter(values, options);
  expect(warning).toContain('None of the 2 epochs was kept');
  expect(warning).toContain('`startFromEpoch`');
  expect(warning).toContain('`initialThreshold`');
});

import {
  checkArgument,
  checkOptions,
  isFiniteNumber,
  isIntegerFrom,
  isName,
  isObject,
  isOneOf,
  type OptionCheck,
} from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import { MAX_STYLES } from './curve-styles.js';

/** A training to compare: plain data, such as the `toJSON()` of a checkpoint that another process has written. */
export interface ComparedTraining {
  /** What it's called in the comparison. @default 'Training 1' and so on */
  readonly name?: string;
  /** Every epoch, in the order in which they ran. */
  readonly history: readonly EpochRecord[];
  /** The best epoch. @default the last one in `history` with `isBest` */
  readonly best?: EpochRecord | null;
  /** The name of the monitored value. */
  readonly monitor?: string;
  /** Part of `toJSON()`, and not used. */
  readonly mode?: 'max' | 'min';
  /** Part of `toJSON()`, and not used. */
  readonly location?: string | null;
  /** Part of `toJSON()`, and not used. */
  readonly kept?: readonly EpochRecord[];
}

/** A training after the checks. */
export interface CheckedTraining {
  readonly name: string;
  readonly history: readonly EpochRecord[];
  /** The position of the best epoch in `history`; null for none. */
  readonly keptAt: number | null;
  /** null if unknown. */
  readonly monitor: string | null;
}

/** JSON writes NaN and ±Infinity as null. */
const isNumberOrNone = (value: unknown): boolean => value == null || typeof value === 'number';

const CHECKS: Readonly<Record<keyof ComparedTraining, OptionCheck>> = {
  name: [isName, 'a text that is not empty'],
  history: [Array.isArray, 'a list of epochs, such as the `history` of a checkpoint'],
  best: [(value) => value === null || isObject(value), 'the record of an epoch or null'],
  monitor: [isName, 'the name of a monitored value'],
  mode: [isOneOf('max', 'min'), "'max' or 'min'"],
  location: [(value) => value === null || typeof value === 'string', 'a string or null'],
  kept: [Array.isArray, 'a list of epochs'],
};

const RECORD_CHECKS: readonly (readonly [keyof EpochRecord, OptionCheck])[] = [
  ['epoch', [isIntegerFrom(0), 'an integer from 0']],
  ['isBest', [isOneOf(true, false, undefined), 'a boolean']],
  ['isAveraged', [isOneOf(true, false, undefined), 'a boolean']],
  ...(['value', 'entropy', 'trainEntropy', 'valEntropy', 'valChanges', 'valInformation'] as const).map(
    (name) => [name, [isNumberOrNone, 'a number or null']] as const,
  ),
  [
    'logs',
    [(value) => isObject(value) && Object.values(value).every(isNumberOrNone), 'an object of numbers'],
  ],
];

/**
 * Checks trainings as a caller passed them: they may come from files.
 *
 * @returns copies, which don't change if a training continues.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`, `ENTROPY_INVALID_OPTION` for an unknown name.
 */
export function checkTrainings(trainings: unknown): CheckedTraining[] {
  const isList = Array.isArray(trainings) && trainings.length > 0 && trainings.length <= MAX_STYLES;
  checkArgument('trainings', trainings, [
    () => isList,
    `a list of 1 to ${MAX_STYLES} checkpoints or of objects with a \`history\``,
  ]);
  return (trainings as unknown[]).map((training, i) => checkTraining(training, i));
}

function checkTraining(given: unknown, position: number): CheckedTraining {
  const where = `trainings[${position}]`;
  checkArgument(where, given, [isObject, 'a checkpoint or an object with a `history`']);
  const training = plainData(given as object) as ComparedTraining;
  checkOptions(training, CHECKS);
  checkArgument(`${where}.history`, training.history, CHECKS.history);
  const { name = `Training ${position + 1}`, history, best, monitor = null } = training;
  for (const [i, record] of history.entries()) checkRecord(`${where}.history[${i}]`, record);
  if (best != null) checkRecord(`${where}.best`, best);
  return { name, history: history.map(withValues), keptAt: positionOfBest(history, best), monitor };
}

/** A checkpoint says by `toJSON` what it is. */
function plainData(training: object): unknown {
  const { toJSON } = training as { toJSON?: unknown };
  return typeof toJSON === 'function' ? (toJSON.call(training) as unknown) : training;
}

function checkRecord(where: string, record: unknown): void {
  checkArgument(where, record, [isObject, 'the record of an epoch']);
  for (const [name, check] of RECORD_CHECKS) {
    checkArgument(`${where}.${name}`, (record as Record<string, unknown>)[name], check);
  }
}

/** Without the nulls that JSON writes for NaN and ±Infinity. */
function withValues(record: EpochRecord): EpochRecord {
  const logs = Object.entries(record.logs).filter(([, value]) => isFiniteNumber(value));
  return { ...record, logs: Object.fromEntries(logs) };
}

function positionOfBest(
  history: readonly EpochRecord[],
  best: EpochRecord | null | undefined,
): number | null {
  const isKept = ({ epoch, fit, isBest }: EpochRecord): boolean =>
    best == null ? isBest : epoch === best.epoch && fit === best.fit;
  const position = best === null ? -1 : history.findLastIndex(isKept);
  return position < 0 ? null : position;
}

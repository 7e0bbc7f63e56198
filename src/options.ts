import type * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from './epoch-record.js';
import { CRITERION_NAMES, criterionOf, type CriterionName } from './criteria/criterion.js';
import { EntropyCheckpointError } from './errors.js';
import { directionOf, isEntropyMonitor } from './monitor.js';
import { isStore, type CheckpointStore } from './stores/store.js';

/** How `fit` yields to other tasks, as `tf.CustomCallback` takes it. */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** Options of `EntropyCheckpointCallback` and `EntropyCheckpoint`. Unknown keys are refused. */
export interface EntropyCheckpointOptions {
  /**
   * Where the best epoch is kept. `null`: in memory only. A plain path or `file://` URL: a folder (Node).
   * Any URL that tfjs knows (`indexeddb://`, `localstorage://`, `http://` …), a `tf.io.IOHandler`, or a
   * store. In a browser a plain name is one in IndexedDB.
   *
   * @default 'entropy_checkpoint'
   */
  filepath?: string | tf.io.IOHandler | CheckpointStore | null;
  /**
   * How the epoch to keep is told. `'max-entropy'`: by what is monitored, the entropy if nothing else is. Two others
   * need no labels either, but predictions of validation in the same order in every epoch: `'consensus'` (the
   * epoch that agrees best with those before it, and is not surer of its training than of other data) and
   * `'label-wave'` (the first minimum of the predictions that change from epoch to epoch). They take no `monitor`,
   * `mode`, `minDelta` or `initialThreshold`.
   *
   * @default 'max-entropy'
   */
  criterion?: CriterionName;
  /**
   * Of how many rows of validation `'consensus'` and `'label-wave'` remember the predictions of the epoch before,
   * on the device; the first ones, an integer from 1 up. It takes 4 bytes a row for `'label-wave'`, and as many a
   * row and class for `'consensus'`; twice that at the end of an epoch.
   *
   * @default 10000
   */
  criterionRows?: number;
  /**
   * What is compared: `'entropy'` (all rows of training and validation), `'train_entropy'`,
   * `'val_entropy'`, or any metric that `fit` logs (`'val_acc'`, `'val_loss'` …).
   *
   * @default 'entropy'
   */
  monitor?: string;
  /**
   * Whether the largest or the smallest value is best. `'auto'`: the largest entropy or accuracy, the
   * smallest loss or error; a name of unknown direction is refused.
   *
   * @default 'auto'
   */
  mode?: 'auto' | 'max' | 'min';
  /** How many of the largest probabilities of a row count; an integer from 1 up. @default 2 */
  topK?: number;
  /**
   * Whether outputs hold logits (`true`) or probabilities (`false`). `'auto'`: told from the output layer
   * and the loss, refused where that does not tell.
   *
   * @default 'auto'
   */
  fromLogits?: boolean | 'auto';
  /** Names of the outputs to score, of a model with several. @default all class outputs */
  outputs?: readonly string[];
  /** An improvement must be larger than this; 0 or more, in the unit of the monitor. @default 0 */
  minDelta?: number;
  /** Epochs before this one are scored and recorded, never chosen; an integer from 0 up. @default 0 */
  startFromEpoch?: number;
  /** Whether the state of the optimizer is kept with the weights. @default true */
  includeOptimizer?: boolean;
  /** What the first best must beat, in the unit of the monitor. @default none */
  initialThreshold?: number;
  /**
   * Put the best state back when training ends, from a snapshot held in memory: one more copy of weights
   * and optimizer slots while training lasts.
   *
   * @default false
   */
  restoreBestWeights?: boolean;
  /** How many of the best epochs are kept, each to be loaded by its number; an integer from 1 up. @default 1 */
  maxToKeep?: number;
  /** Whether the latest epoch is kept as well, for `resume` after a crash. @default false */
  saveLast?: boolean;
  /** Called when an epoch has become the best; awaited. It is stored when `flush` has resolved. @default none */
  onBest?: (record: EpochRecord) => void | Promise<void>;
  /** As `tf.CustomCallback` takes it: how often `fit` yields, a number being milliseconds. @default 'auto' */
  yieldEvery?: YieldEvery;
  /** 1: print one line for each save. @default 0 */
  verbose?: 0 | 1;
}

/** Every option with a value. */
export interface ResolvedOptions {
  readonly filepath: string | tf.io.IOHandler | CheckpointStore | null;
  readonly criterion: CriterionName;
  readonly criterionRows: number;
  /** Of a criterion other than `'max-entropy'` its name. */
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  readonly topK: number;
  readonly fromLogits: boolean | 'auto';
  readonly outputs: readonly string[] | null;
  readonly minDelta: number;
  readonly startFromEpoch: number;
  readonly includeOptimizer: boolean;
  readonly initialThreshold: number | null;
  readonly restoreBestWeights: boolean;
  readonly maxToKeep: number;
  readonly saveLast: boolean;
  readonly onBest: ((record: EpochRecord) => void | Promise<void>) | null;
  readonly yieldEvery: YieldEvery;
  readonly verbose: 0 | 1;
}

const DEFAULT_CRITERION_ROWS = 10_000;

/** Callers in JavaScript may pass anything. */
function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Check = [isValid: (value: unknown) => boolean, expected: string];

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isIntegerFrom =
  (min: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min;
const oneOf =
  (...allowed: unknown[]) =>
  (value: unknown): boolean =>
    allowed.includes(value);
const isYield = (value: unknown): boolean =>
  oneOf('auto', 'batch', 'epoch', 'never')(value) || (isNumber(value) && value > 0);
const areNames = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isName) && new Set(value).size === value.length;

const CHECKS: Record<keyof EntropyCheckpointOptions, Check> = {
  filepath: [isPlace, 'a path, a URL, a tf.io.IOHandler, a store or null'],
  criterion: [oneOf(...CRITERION_NAMES), CRITERION_NAMES.map((name) => `'${name}'`).join(' or ')],
  criterionRows: [isIntegerFrom(1), 'an integer from 1 up'],
  monitor: [isName, 'the name of an entropy or a metric'],
  mode: [oneOf('auto', 'max', 'min'), "'auto', 'max' or 'min'"],
  topK: [isIntegerFrom(1), 'an integer from 1 up'],
  fromLogits: [oneOf('auto', true, false), "'auto', true or false"],
  outputs: [areNames, 'a list of one or more different names of outputs'],
  minDelta: [(value) => isNumber(value) && value >= 0, 'a finite number from 0 up'],
  startFromEpoch: [isIntegerFrom(0), 'an integer from 0 up'],
  includeOptimizer: [isBoolean, 'true or false'],
  initialThreshold: [isNumber, 'a finite number'],
  restoreBestWeights: [isBoolean, 'true or false'],
  maxToKeep: [isIntegerFrom(1), 'an integer from 1 up'],
  saveLast: [isBoolean, 'true or false'],
  onBest: [(value) => typeof value === 'function', 'a function'],
  yieldEvery: [isYield, "'auto', 'batch', 'epoch', 'never' or a number of milliseconds above 0"],
  verbose: [oneOf(0, 1), '0 or 1'],
};

/**
 * Checks the options and fills in the defaults, once.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for an unknown key, a value outside its range,
 *   or a monitor whose direction is unknown to `mode: 'auto'`.
 */
export function resolveOptions(options: EntropyCheckpointOptions = {}): ResolvedOptions {
  if (!isObject(options)) {
    throw invalid(`Expected options to be an object, got ${describe(options)}.`);
  }
  for (const [key, value] of Object.entries(options)) checkOption(key, value);
  const given = options;
  if (given.filepath === null && given.saveLast === true) {
    throw invalid(
      'Expected `saveLast` to be false with `filepath: null`, as memory does not outlast a crash.',
    );
  }
  return {
    ...resolveComparison(given),
    filepath: given.filepath === undefined ? 'entropy_checkpoint' : given.filepath,
    topK: given.topK ?? 2,
    fromLogits: given.fromLogits ?? 'auto',
    outputs: given.outputs ?? null,
    minDelta: given.minDelta ?? 0,
    startFromEpoch: given.startFromEpoch ?? 0,
    includeOptimizer: given.includeOptimizer ?? true,
    initialThreshold: given.initialThreshold ?? null,
    restoreBestWeights: given.restoreBestWeights ?? false,
    maxToKeep: given.maxToKeep ?? 1,
    saveLast: given.saveLast ?? false,
    onBest: given.onBest ?? null,
    yieldEvery: given.yieldEvery ?? 'auto',
    verbose: given.verbose ?? 0,
  };
}

type Comparison = Pick<ResolvedOptions, 'criterion' | 'criterionRows' | 'monitor' | 'mode'>;

/** What a criterion of its own leaves nothing to choose of. */
const COMPARED = ['monitor', 'mode', 'minDelta', 'initialThreshold'] as const;

function resolveComparison(given: EntropyCheckpointOptions): Comparison {
  const { criterion: name = 'max-entropy', criterionRows = DEFAULT_CRITERION_ROWS } = given;
  const criterion = criterionOf(name);
  if (criterion === null) {
    if (given.criterionRows !== undefined) {
      throw invalid("Expected `criterionRows` with `criterion: 'consensus'` or 'label-wave' alone.");
    }
    const { monitor = 'entropy', mode = 'auto' } = given;
    return { criterion: name, criterionRows, monitor, mode: mode === 'auto' ? directionOf(monitor) : mode };
  }
  const contradiction = COMPARED.find((key) => given[key] !== undefined);
  if (contradiction !== undefined) {
    throw invalid(
      `Expected no \`${contradiction}\` with \`criterion: '${name}'\`, which compares values of its own, got ` +
        `${describe(given[contradiction])}.`,
    );
  }
  return { criterion: name, criterionRows, monitor: name, mode: criterion.mode };
}

/** Whether what is compared is computed by this package, and no metric of `fit`. */
export function isOwnValue({ criterion, monitor }: Pick<ResolvedOptions, 'criterion' | 'monitor'>): boolean {
  return criterion !== 'max-entropy' || isEntropyMonitor(monitor);
}

/**
 * The epoch that a caller asks for; undefined: the best.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`.
 */
export function epochOf({ epoch }: { epoch?: number }): number | undefined {
  if (epoch === undefined || (Number.isInteger(epoch) && epoch >= 0)) return epoch;
  throw invalid(`Expected \`epoch\` to be an integer from 0 up, got ${describe(epoch)}.`);
}

function checkOption(key: string, value: unknown): void {
  if (!Object.hasOwn(CHECKS, key)) {
    throw invalid(`Unknown option \`${key}\`. The options are ${Object.keys(CHECKS).join(', ')}.`);
  }
  const [isValid, expected] = CHECKS[key as keyof EntropyCheckpointOptions];
  if (value !== undefined && !isValid(value)) {
    throw invalid(`Expected \`${key}\` to be ${expected}, got ${describe(value)}.`);
  }
}

function isPlace(value: unknown): boolean {
  if (value === null || isName(value)) return true;
  if (typeof value !== 'object') return false;
  return isStore(value) || 'save' in value || 'load' in value;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  return typeof value === 'function' ? 'a function' : 'an object';
}

function invalid(message: string): EntropyCheckpointError {
  return new EntropyCheckpointError('ENTROPY_INVALID_OPTION', message);
}

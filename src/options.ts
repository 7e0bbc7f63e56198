import type * as tf from '@tensorflow/tfjs';
import { checkSignals } from '#platform';
import {
  checkOptions,
  describeValue,
  invalidOption,
  isBoolean,
  isFiniteNumber,
  isFunction,
  isIntegerFrom,
  isName,
  isObject,
  isOneOf,
  isTimeoutMs,
  isUrl,
  type OptionCheck,
} from './check-options.js';
import type { EpochRecord } from './epoch-record.js';
import type { AveragingSettings } from './format/averaging-settings.js';
import { copyOfJson } from './format/json-data.js';
import { resolveMonitor, type Monitor, type MonitorFunction, type MonitorName } from './selection/monitor.js';
import { STORE_TIMEOUT_MS } from './stores/store-location.js';
import { isStore, type CheckpointStore, type Json } from './stores/store.js';

/** How often `fit` yields to other tasks, as `tf.CustomCallback` takes it. A number is milliseconds. */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

/** How weights are averaged. All can be left out. */
export interface AveragingOptions {
  /** The share of the average that is left after one more epoch; above 0 and below 1. @default 0.62 */
  decay?: number;
  /** How often the average is updated in an epoch; an integer from 1 up. @default 8 */
  updatesPerEpoch?: number;
}

/** How often a state is kept within an epoch. At least one of them is set. */
export interface SaveLastOptions {
  /** In seconds of real time: a batch that ends later than that after the last state is followed by one. Above 0. @default none */
  everySeconds?: number;
  /** Every n-th batch of an epoch is followed by a state. An integer from 1 up. @default none */
  everyBatches?: number;
}

/** Options of `EntropyCheckpointCallback` and `EntropyCheckpoint`. All can be left out; unknown names are refused. */
export interface EntropyCheckpointOptions {
  /**
   * Where checkpoints are stored. In Node, a path, `file://` URL or relative name is a folder. In a browser, a plain
   * name or `indexeddb://` URL is a database entry. Any other URL that TensorFlow.js knows (`localstorage://`,
   * `http://` …), a `tf.io.IOHandler`, or a store such as `new MemoryStore()` works in both. `null`: in memory only.
   *
   * @default 'entropy_checkpoint'
   */
  filepath?: string | URL | tf.io.IOHandler | CheckpointStore | null;
  /**
   * The value by which the epoch is selected:
   *
   * - `'entropy'`: of all training and validation rows; `'train_entropy'` or `'val_entropy'` of one phase. No labels.
   * - `'consensus'`: the epoch that agrees best with the epochs before it. Needs validation rows in the same order in
   *   every epoch, no labels.
   * - `'label_wave'`: the first minimum of the share of validation predictions that change from epoch to epoch. Needs
   *   validation rows in the same order in every epoch, no labels.
   * - `'val_acc'`, `'val_loss'` or any other value that `fit` logs, or that an earlier callback adds to `logs`
   *   (then set `mode`).
   * - `'val_acc_and_loss'`: `val_acc − 0.1·val_loss / ln C` with C classes, for a cross-entropy. Of epochs with nearly the
   *   same accuracy, it selects the one with the smaller loss.
   * - a function of the epoch's record that returns a number, or null for none (then set `mode`).
   *
   * @default 'entropy'
   */
  monitor?: MonitorName | MonitorFunction;
  /**
   * Whether the largest or the smallest value is best. `'auto'` infers it from the monitor's name, and refuses a name
   * that says nothing about it.
   *
   * @default 'auto'
   */
  mode?: 'auto' | 'max' | 'min';
  /**
   * In epochs: after that many without a better one, the choice is made, and no later epoch is selected. An integer
   * from 1 up, or `Infinity`.
   *
   * @default 7 with `'consensus'`, 1 with `'label_wave'`, else Infinity
   */
  patience?: number;
  /** Whether `fit` ends once the choice is made; needs `patience`. @default false */
  stopTraining?: boolean;
  /**
   * Whether validation runs on an average of the weights over the last steps, and that average is kept. `true` stands for
   * `{ decay: 0.62, updatesPerEpoch: 8 }`.
   *
   * @default false
   */
  averageWeights?: boolean | AveragingOptions;
  /** How many of the largest probabilities of a row count; an integer from 1 up. @default 2 */
  topK?: number;
  /**
   * Whether outputs hold logits (`true`) or probabilities (`false`). `'auto'` infers it from the output layer and the
   * loss, and refuses what they leave open.
   *
   * @default 'auto'
   */
  fromLogits?: boolean | 'auto';
  /** Names of the outputs to score, in a model with several. @default all outputs that are class distributions */
  outputs?: readonly string[];
  /**
   * An improvement must be larger than this; 0 or more, in the unit of the monitor. A gain below 2⁻¹⁶ of the value is
   * never one, because float32 sums of the same rows in another order differ by that much.
   *
   * @default 0
   */
  minDelta?: number;
  /**
   * The first epoch that can be selected, counted over all `fit` calls of the instance; earlier ones are scored and
   * recorded. An integer from 0 up.
   *
   * @default 0
   */
  startFromEpoch?: number;
  /** The first best epoch must beat this value, in the unit of the monitor. @default none */
  initialThreshold?: number;
  /** Whether the optimizer's state is stored with the weights. @default true */
  includeOptimizer?: boolean;
  /**
   * Whether the model holds the best weights when training ends. They're held in memory while training lasts: one
   * more copy of the weights and optimizer slots.
   *
   * @default false
   */
  restoreBestWeights?: boolean;
  /**
   * How many of the best epochs are kept, each to be loaded by its number; an integer from 1 up, or `Infinity` for every
   * epoch that could be selected.
   *
   * @default 1
   */
  maxToKeep?: number;
  /**
   * Every n-th epoch is kept beside the best ones, whatever its value, and never removed: the epochs n − 1, 2n − 1 …,
   * counted over all `fit` calls of the instance. An integer from 1 up.
   *
   * @default none
   */
  keepEvery?: number;
  /**
   * Whether the latest epoch is kept as well, to resume after a crash. An object keeps states within epochs, too, for epochs
   * that take long. `fit` can't begin within an epoch, so that's for `fitDataset` and custom training loops.
   *
   * @default false
   */
  saveLast?: boolean | SaveLastOptions;
  /**
   * Names of signals, such as `['SIGTERM']`, for machines that are taken away. When the first one arrives, the training
   * ends after the batch that runs, and `fit` resolves once everything that is to be kept is stored: with
   * `saveLast: { … }` the state after that batch as well. A second one ends the process at once. Only in Node's main thread.
   *
   * @default none
   */
  stopOn?: readonly string[];
  /**
   * Data that you choose, such as settings or class names, stored with every checkpoint and returned by `loadCheckpoint`
   * and `listCheckpoints`. Whatever JSON holds exactly, up to 500,000 characters of it; copied at once.
   *
   * @default none
   */
  metadata?: Json | object;
  /**
   * How many validation rows of each output `'consensus'` and `'label_wave'` compare; an integer from 1 up. Their
   * predictions stay on the device: `'label_wave'` takes 4 bytes a row, `'consensus'` 4 bytes a row and class. During an
   * epoch, it's twice that.
   *
   * @default 10000
   */
  rememberedRows?: number;
  /** Called when an epoch has become the best, and awaited. It's stored once `flush` has resolved. @default none */
  onBest?: (record: EpochRecord) => void | Promise<void>;
  /** How often `fit` yields to other tasks. With `'never'`, nothing is written before training ends. @default 'auto' */
  yieldEvery?: YieldEvery;
  /**
   * In milliseconds: how long a `tf.io.IOHandler` or IndexedDB may take for one answer, before that fails with
   * `ENTROPY_STORE_FAILED`. A number above 0; `Infinity` waits for ever.
   *
   * @default 120000
   */
  storeTimeoutMs?: number;
  /**
   * `1` prints a line for each save, and one when training has ended: which epoch is kept, why and where. `2` prints a line
   * for each epoch as well.
   *
   * @default 0
   */
  verbose?: 0 | 1 | 2;
}

/** Every option with a value. */
export interface ResolvedOptions {
  readonly filepath: string | URL | tf.io.IOHandler | CheckpointStore | null;
  readonly monitor: Monitor;
  /** Whether the user set `monitor`. */
  readonly hasMonitor: boolean;
  /** Whether the user set `mode`. */
  readonly hasMode: boolean;
  readonly stopTraining: boolean;
  /** null: weights aren't averaged. */
  readonly averageWeights: AveragingSettings | null;
  readonly topK: number;
  readonly fromLogits: boolean | 'auto';
  readonly outputs: readonly string[] | null;
  readonly minDelta: number;
  readonly startFromEpoch: number;
  readonly initialThreshold: number | null;
  readonly includeOptimizer: boolean;
  readonly restoreBestWeights: boolean;
  readonly maxToKeep: number;
  /** Infinity: none. */
  readonly keepEvery: number;
  readonly saveLast: boolean;
  /** How often a state is kept within an epoch; null: never. */
  readonly saveWithin: Required<SaveLastOptions> | null;
  /** Signals; empty for none. */
  readonly stopOn: readonly string[];
  /** null: none. */
  readonly metadata: Json;
  readonly rememberedRows: number;
  readonly onBest: ((record: EpochRecord) => void | Promise<void>) | null;
  readonly yieldEvery: YieldEvery;
  readonly storeTimeoutMs: number;
  readonly verbose: 0 | 1 | 2;
}

const isCountOrInfinity = (value: unknown): boolean => value === Infinity || isIntegerFrom(1)(value);
const isYieldEvery = (value: unknown): boolean =>
  isOneOf('auto', 'batch', 'epoch', 'never')(value) || (isFiniteNumber(value) && value > 0);
const areNames = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isName) && new Set(value).size === value.length;
const isLocation = (value: unknown): boolean => {
  if (value === null || isName(value) || isUrl(value)) return true;
  if (typeof value !== 'object') return false;
  return isStore(value) || 'save' in value || 'load' in value;
};

const CHECKS: Readonly<Record<keyof EntropyCheckpointOptions, OptionCheck>> = {
  filepath: [isLocation, 'a path, a URL, a tf.io.IOHandler, a store or null'],
  monitor: [(value) => isName(value) || isFunction(value), 'the name of a value, or a function'],
  mode: [isOneOf('auto', 'max', 'min'), "'auto', 'max' or 'min'"],
  patience: [isCountOrInfinity, 'an integer from 1 up, or Infinity'],
  stopTraining: [isBoolean, 'true or false'],
  averageWeights: [
    (value) => isBoolean(value) || isObject(value),
    'true, false or an object of `decay` and `updatesPerEpoch`',
  ],
  topK: [isIntegerFrom(1), 'an integer from 1 up'],
  fromLogits: [isOneOf('auto', true, false), "'auto', true or false"],
  outputs: [areNames, 'a list of one or more different names of outputs'],
  minDelta: [(value) => isFiniteNumber(value) && value >= 0, 'a finite number from 0 up'],
  startFromEpoch: [isIntegerFrom(0), 'an integer from 0 up'],
  initialThreshold: [isFiniteNumber, 'a finite number'],
  includeOptimizer: [isBoolean, 'true or false'],
  restoreBestWeights: [isBoolean, 'true or false'],
  maxToKeep: [isCountOrInfinity, 'an integer from 1 up, or Infinity'],
  keepEvery: [isIntegerFrom(1), 'an integer from 1 up'],
  saveLast: [
    (value) => isBoolean(value) || isObject(value),
    'true, false or an object of `everySeconds` and `everyBatches`',
  ],
  stopOn: [areNames, "a list of one or more different signals, such as ['SIGTERM']"],
  // `copyOfJson` checks it.
  metadata: [() => true, ''],
  rememberedRows: [isIntegerFrom(1), 'an integer from 1 up'],
  onBest: [isFunction, 'a function'],
  yieldEvery: [isYieldEvery, "'auto', 'batch', 'epoch', 'never' or a number of milliseconds above 0"],
  storeTimeoutMs: [isTimeoutMs, 'a number of milliseconds above 0, or Infinity'],
  verbose: [isOneOf(0, 1, 2), '0, 1 or 2'],
};

/** The options of Keras and Lightning that have another name here. */
const OTHER_NAMES: Readonly<Record<string, keyof EntropyCheckpointOptions>> = {
  saveBestOnly: 'maxToKeep',
  saveTopK: 'maxToKeep',
  everyNEpochs: 'keepEvery',
  saveFreq: 'saveLast',
  everyNTrainSteps: 'saveLast',
  trainTimeInterval: 'saveLast',
  saveWeightsOnly: 'includeOptimizer',
  dirpath: 'filepath',
  baseline: 'initialThreshold',
  initialValueThreshold: 'initialThreshold',
};

const AVERAGING_CHECKS: Readonly<Record<keyof AveragingSettings, OptionCheck>> = {
  decay: [(value) => isFiniteNumber(value) && value > 0 && value < 1, 'a number between 0 and 1'],
  updatesPerEpoch: [isIntegerFrom(1), 'an integer from 1 up'],
};

function resolveAveraging(option: EntropyCheckpointOptions['averageWeights']): AveragingSettings | null {
  if (option === undefined || option === false) return null;
  const settings = option === true ? {} : option;
  checkOptions(settings, AVERAGING_CHECKS);
  const { decay = 0.62, updatesPerEpoch = 8 } = settings;
  return { decay, updatesPerEpoch };
}

const SAVE_LAST_CHECKS: Readonly<Record<keyof SaveLastOptions, OptionCheck>> = {
  everySeconds: [(value) => isFiniteNumber(value) && value > 0, 'a finite number above 0'],
  everyBatches: [isIntegerFrom(1), 'an integer from 1 up'],
};

function resolveSaveWithin(option: EntropyCheckpointOptions['saveLast']): ResolvedOptions['saveWithin'] {
  if (!isObject(option)) return null;
  checkOptions(option, SAVE_LAST_CHECKS);
  const { everySeconds = Infinity, everyBatches = Infinity } = option as SaveLastOptions;
  if (Math.min(everySeconds, everyBatches) === Infinity) {
    throw invalidOption('Set `everySeconds` or `everyBatches` in `saveLast`, or `true`.');
  }
  return { everySeconds, everyBatches };
}

/**
 * Checks the options and fills in the defaults, once.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for an unknown name, a value out of range, or options
 *   that contradict each other.
 */
export function resolveOptions(options: EntropyCheckpointOptions = {}): ResolvedOptions {
  if (isName(options)) {
    const got = describeValue(options);
    throw invalidOption(`Expected an object of options, got ${got}. Pass \`{ filepath: ${got} }\`.`);
  }
  checkOptions(options, CHECKS, OTHER_NAMES);
  const { monitor: name = 'entropy', mode = 'auto', patience = null, rememberedRows } = options;
  const monitor = resolveMonitor({ monitor: name, mode, patience });
  const resolved: ResolvedOptions = {
    monitor,
    hasMonitor: options.monitor !== undefined,
    hasMode: mode !== 'auto',
    stopTraining: options.stopTraining ?? false,
    averageWeights: resolveAveraging(options.averageWeights),
    filepath: options.filepath === undefined ? 'entropy_checkpoint' : options.filepath,
    topK: options.topK ?? 2,
    fromLogits: options.fromLogits ?? 'auto',
    outputs: options.outputs ?? null,
    minDelta: options.minDelta ?? 0,
    startFromEpoch: options.startFromEpoch ?? 0,
    initialThreshold: options.initialThreshold ?? null,
    includeOptimizer: options.includeOptimizer ?? true,
    restoreBestWeights: options.restoreBestWeights ?? false,
    maxToKeep: options.maxToKeep ?? 1,
    keepEvery: options.keepEvery ?? Infinity,
    saveLast: (options.saveLast ?? false) !== false,
    saveWithin: resolveSaveWithin(options.saveLast),
    stopOn: options.stopOn ?? [],
    metadata: copyOfJson('metadata', options.metadata ?? null),
    rememberedRows: rememberedRows ?? 10_000,
    onBest: options.onBest ?? null,
    yieldEvery: options.yieldEvery ?? 'auto',
    storeTimeoutMs: options.storeTimeoutMs ?? STORE_TIMEOUT_MS,
    verbose: options.verbose ?? 0,
  };
  refuseContradictions(resolved, rememberedRows !== undefined);
  return resolved;
}

function refuseContradictions(
  { filepath, saveLast, saveWithin, stopOn, yieldEvery, monitor, stopTraining }: ResolvedOptions,
  hasRememberedRows: boolean,
): void {
  if (filepath === null && saveLast) {
    throw invalidOption('Leave out `saveLast` with `filepath: null`: memory does not outlast a crash.');
  }
  if (stopOn.length > 0) checkSignals(stopOn);
  if ((saveWithin !== null || stopOn.length > 0) && isOneOf('epoch', 'never')(yieldEvery)) {
    throw invalidOption(
      `Leave out \`yieldEvery: '${yieldEvery}'\` with \`stopOn\` or \`saveLast: { … }\`, which need other turns within an epoch.`,
    );
  }
  if (hasRememberedRows && monitor.comparing === null) {
    throw invalidOption(
      "Leave out `rememberedRows`, or set `monitor` to 'consensus' or 'label_wave', which compare rows.",
    );
  }
  if (stopTraining && monitor.patience === Infinity) {
    throw invalidOption(
      `Set \`patience\` with \`stopTraining: true\`: with \`monitor: '${monitor.name}'\` it has no default.`,
    );
  }
}

const LOAD_CHECKS: Readonly<Record<'epoch', OptionCheck>> = {
  epoch: [(value) => value === 'last' || isIntegerFrom(0)(value), "an integer from 0 up, or 'last'"],
};

/**
 * The epoch that a caller of `loadCheckpoint` asks for; undefined: the best.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`.
 */
export function epochOf(
  options: { epoch?: number | 'last' },
  { saveLast }: ResolvedOptions,
): number | 'last' | undefined {
  checkOptions(options, LOAD_CHECKS);
  if (options.epoch === 'last' && !saveLast) {
    throw invalidOption(
      "Set `saveLast: true` to load epoch 'last': without it, the latest epoch is not kept.",
    );
  }
  return options.epoch;
}

import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  epochOf,
  resolveOptions,
  type EntropyCheckpointOptions,
  type ResolvedOptions,
} from '../src/options.js';
import type { CheckpointStore } from '../src/stores/store.js';
import { thrownBy } from './support/errors.js';

const onBest = (): void => undefined;
const handler: tf.io.IOHandler = { load: () => Promise.reject(new Error('not called')) };
const store: CheckpointStore = {
  name: 'nowhere',
  capacity: 'one',
  open: () => Promise.resolve(),
  save: () => Promise.resolve(),
  slots: () => Promise.resolve([]),
  load: () => Promise.resolve(null),
  close: () => undefined,
};

/** Options without the monitor's function, which differs from call to call. */
function comparable({ monitor: { valueOf, ...monitor }, ...options }: ResolvedOptions): object {
  return { ...options, monitor };
}

test('every option has a default', () => {
  const { monitor, ...defaults } = resolveOptions();
  expect(defaults).toEqual({
    filepath: 'entropy_checkpoint',
    hasMonitor: false,
    hasMode: false,
    stopTraining: false,
    averageWeights: null,
    topK: 2,
    fromLogits: 'auto',
    outputs: null,
    minDelta: 0,
    startFromEpoch: 0,
    initialThreshold: null,
    includeOptimizer: true,
    restoreBestWeights: false,
    maxToKeep: 1,
    keepEvery: Infinity,
    saveLast: false,
    saveWithin: null,
    stopOn: [],
    metadata: null,
    rememberedRows: 10_000,
    onBest: null,
    yieldEvery: 'auto',
    storeTimeoutMs: 120_000,
    verbose: 0,
  });
  expect(monitor).toMatchObject({ name: 'entropy', mode: 'max', patience: Infinity });
});

test('an option of undefined has its default', () => {
  const names = [...Object.keys(resolveOptions()), 'mode', 'patience'].filter(
    (name) => !name.startsWith('has') && name !== 'saveWithin',
  );
  const given = Object.fromEntries(names.map((name) => [name, undefined]));
  expect(comparable(resolveOptions(given))).toEqual(comparable(resolveOptions()));
});

describe('the comparing monitor', () => {
  test.each([
    ['consensus', 'max', 7],
    ['label_wave', 'min', 1],
  ] as const)('%s accepts every other option', (monitor, mode, patience) => {
    const options = resolveOptions({
      monitor,
      rememberedRows: 50,
      startFromEpoch: 3,
      minDelta: 0.1,
      initialThreshold: 0.2,
      maxToKeep: 2,
      stopTraining: true,
    });
    expect(options).toMatchObject({
      rememberedRows: 50,
      startFromEpoch: 3,
      minDelta: 0.1,
      initialThreshold: 0.2,
      stopTraining: true,
    });
    expect(options.monitor).toMatchObject({ name: monitor, mode, patience });
    expect(resolveOptions({ monitor, mode }).monitor.mode).toBe(mode);
  });
});

describe('resolveOptions refuses contradictions:', () => {
  test.each<[string, EntropyCheckpointOptions, RegExp]>([
    [
      '`rememberedRows` with a monitor that does not compare rows',
      { rememberedRows: 50 },
      /Leave out `rememberedRows`/,
    ],
    ['`stopTraining` without `patience`', { stopTraining: true }, /Set `patience`/],
    [
      '`stopTraining` without `patience`, with a metric',
      { monitor: 'val_acc', stopTraining: true },
      /Set `patience`/,
    ],
    [
      '`stopTraining` with an infinite `patience`',
      { monitor: 'consensus', patience: Infinity, stopTraining: true },
      /Set `patience`/,
    ],
    ['`saveLast` in memory', { filepath: null, saveLast: true }, /Leave out `saveLast`/],
    [
      '`saveLast: { … }` in memory',
      { filepath: null, saveLast: { everyBatches: 1 } },
      /Leave out `saveLast`/,
    ],
    ['`saveLast: {}`', { saveLast: {} }, /Set `everySeconds` or `everyBatches`/],
    [
      '`saveLast: { … }` where nothing is written within an epoch',
      { saveLast: { everyBatches: 5 }, yieldEvery: 'never' },
      /Leave out `yieldEvery: 'never'`/,
    ],
    [
      '`stopOn` where no signal arrives within an epoch',
      { stopOn: ['SIGTERM'], yieldEvery: 'epoch' },
      /Leave out `yieldEvery: 'epoch'`/,
    ],
    ['an unknown signal', { stopOn: ['SIGTEM'] }, /SIGTERM, .*got 'SIGTEM'\. Did you mean 'SIGTERM'\?/],
    ['a signal that no process can await', { stopOn: ['SIGTERM', 'SIGKILL'] }, /await \(.*got 'SIGKILL'/],
    [
      'a misspelt interval',
      { saveLast: { everyBatch: 5 } as object },
      /Unknown option `everyBatch`\. Did you mean `everyBatches`\?/,
    ],
    [
      'the wrong mode for a comparing monitor',
      { monitor: 'consensus', mode: 'min' },
      /`mode` to be 'max' or 'auto'/,
    ],
  ])('%s', (_, options, message) => {
    const error = thrownBy(() => resolveOptions(options));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toMatch(message);
  });
});

describe('resolveOptions accepts', () => {
  test.each<[keyof EntropyCheckpointOptions, unknown]>([
    ['filepath', 'best'],
    ['filepath', 'file:///tmp/best'],
    ['filepath', 'indexeddb://best'],
    ['filepath', null],
    ['filepath', handler],
    ['filepath', store],
    ['topK', 1],
    ['topK', 5],
    ['fromLogits', 'auto'],
    ['fromLogits', true],
    ['fromLogits', false],
    ['outputs', ['first']],
    ['outputs', ['first', 'second']],
    ['minDelta', 0],
    ['minDelta', 0.01],
    ['startFromEpoch', 0],
    ['startFromEpoch', 12],
    ['includeOptimizer', false],
    ['initialThreshold', 0],
    ['initialThreshold', -2.5],
    ['restoreBestWeights', true],
    ['onBest', onBest],
    ['yieldEvery', 'auto'],
    ['yieldEvery', 'batch'],
    ['yieldEvery', 'epoch'],
    ['yieldEvery', 'never'],
    ['yieldEvery', 40],
    ['yieldEvery', 0.5],
    ['storeTimeoutMs', 0.5],
    ['storeTimeoutMs', Infinity],
    ['verbose', 0],
    ['verbose', 1],
    ['verbose', 2],
  ])('%s: %p', (key, value) => {
    const resolved = comparable(resolveOptions({ [key]: value })) as Record<string, unknown>;
    expect(resolved[key]).toBe(value);
    expect({ ...resolved, [key]: null }).toEqual({ ...comparable(resolveOptions()), [key]: null });
  });

  test.each(['entropy', 'train_entropy', 'val_entropy', 'val_acc', 'consensus'])('monitor: %s', (monitor) => {
    expect(resolveOptions({ monitor }).monitor.name).toBe(monitor);
  });

  test('a function as the monitor', () => {
    const { monitor } = resolveOptions({ monitor: ({ epoch }) => epoch, mode: 'max' });
    expect(monitor).toMatchObject({ name: '(a function)', mode: 'max' });
  });

  test.each([
    [true, { decay: 0.62, updatesPerEpoch: 8 }],
    [{}, { decay: 0.62, updatesPerEpoch: 8 }],
    [{ decay: 0.5 }, { decay: 0.5, updatesPerEpoch: 8 }],
    [
      { decay: 0.5, updatesPerEpoch: 2 },
      { decay: 0.5, updatesPerEpoch: 2 },
    ],
    [false, null],
  ])('averageWeights: %j', (averageWeights, expected) => {
    expect(resolveOptions({ averageWeights }).averageWeights).toEqual(expected);
  });

  test.each([1, 5, Infinity])('patience: %p', (patience) => {
    expect(resolveOptions({ patience }).monitor.patience).toBe(patience);
  });
});

test.each([
  [{ everyBatches: 5 }, { everyBatches: 5, everySeconds: Infinity }],
  [{ everySeconds: 0.5 }, { everyBatches: Infinity, everySeconds: 0.5 }],
  [
    { everySeconds: 60, everyBatches: 60 },
    { everySeconds: 60, everyBatches: 60 },
  ],
])('saveLast: %j keeps states within epochs, and at their end', (saveLast, saveWithin) => {
  expect(resolveOptions({ saveLast })).toMatchObject({ saveLast: true, saveWithin });
});

test('`stopOn` keeps its signals', () => {
  expect(resolveOptions({ stopOn: ['SIGTERM', 'SIGUSR2'] }).stopOn).toEqual(['SIGTERM', 'SIGUSR2']);
});

describe('resolveOptions refuses', () => {
  test.each<[keyof EntropyCheckpointOptions, unknown, string]>([
    ['filepath', '', "''"],
    ['filepath', 7, '7'],
    ['filepath', true, 'true'],
    ['filepath', {}, 'an object'],
    ['filepath', ['a'], "['a']"],
    ['filepath', () => 'a', 'a function'],
    ['saveLast', 5, '5'],
    ['saveLast', [5], '[5]'],
    ['stopOn', 'SIGTERM', "'SIGTERM'"],
    ['stopOn', [], '[]'],
    ['stopOn', ['SIGTERM', 'SIGTERM'], "['SIGTERM', 'SIGTERM']"],
    ['monitor', '', "''"],
    ['monitor', null, 'null'],
    ['monitor', 3, '3'],
    ['monitor', ['entropy'], "['entropy']"],
    ['patience', 0, '0'],
    ['patience', 1.5, '1.5'],
    ['patience', -Infinity, '-Infinity'],
    ['patience', NaN, 'NaN'],
    ['patience', '3', "'3'"],
    ['patience', null, 'null'],
    ['stopTraining', 1, '1'],
    ['stopTraining', null, 'null'],
    ['averageWeights', 'yes', "'yes'"],
    ['averageWeights', 0.9, '0.9'],
    ['averageWeights', null, 'null'],
    ['averageWeights', [], '[]'],
    ['rememberedRows', 0, '0'],
    ['rememberedRows', 1.5, '1.5'],
    ['maxToKeep', 0, '0'],
    ['saveLast', 'yes', "'yes'"],
    ['mode', 'best', "'best'"],
    ['mode', 'MAX', "'MAX'"],
    ['mode', null, 'null'],
    ['topK', 0, '0'],
    ['topK', -1, '-1'],
    ['topK', 1.5, '1.5'],
    ['topK', NaN, 'NaN'],
    ['topK', Infinity, 'Infinity'],
    ['topK', '2', "'2'"],
    ['topK', null, 'null'],
    ['fromLogits', 'yes', "'yes'"],
    ['fromLogits', 1, '1'],
    ['fromLogits', null, 'null'],
    ['outputs', [], '[]'],
    ['outputs', 'first', "'first'"],
    ['outputs', [1], '[1]'],
    ['outputs', [''], "['']"],
    ['outputs', ['a', 'a'], "['a', 'a']"],
    ['outputs', null, 'null'],
    ['minDelta', -0.1, '-0.1'],
    ['minDelta', NaN, 'NaN'],
    ['minDelta', Infinity, 'Infinity'],
    ['minDelta', '0', "'0'"],
    ['startFromEpoch', -1, '-1'],
    ['startFromEpoch', 0.5, '0.5'],
    ['startFromEpoch', Infinity, 'Infinity'],
    ['startFromEpoch', '3', "'3'"],
    ['includeOptimizer', 1, '1'],
    ['includeOptimizer', 'true', "'true'"],
    ['initialThreshold', NaN, 'NaN'],
    ['initialThreshold', -Infinity, '-Infinity'],
    ['initialThreshold', '0.5', "'0.5'"],
    ['initialThreshold', null, 'null'],
    ['restoreBestWeights', 0, '0'],
    ['restoreBestWeights', null, 'null'],
    ['onBest', 'log', "'log'"],
    ['onBest', {}, 'an object'],
    ['onBest', null, 'null'],
    ['yieldEvery', 'always', "'always'"],
    ['yieldEvery', 0, '0'],
    ['yieldEvery', -5, '-5'],
    ['yieldEvery', NaN, 'NaN'],
    ['yieldEvery', true, 'true'],
    ['storeTimeoutMs', 0, '0'],
    ['storeTimeoutMs', NaN, 'NaN'],
    ['storeTimeoutMs', '60', "'60'"],
    ['verbose', 3, '3'],
    ['verbose', true, 'true'],
    ['verbose', '1', "'1'"],
  ])('%s: %p', (key, value, got) => {
    let error: unknown;
    try {
      resolveOptions({ [key]: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'EntropyCheckpointError', code: 'ENTROPY_INVALID_OPTION' });
    const { message } = error as Error;
    expect(message).toMatch(/^\[entropy-checkpoint\] Expected `/);
    expect(message).toContain(`\`${key}\` to be `);
    expect(message.endsWith(`, got ${got}. See docs/faq.md#entropy_invalid_option`)).toBe(true);
  });

  test.each(['maxToKeeP', 'filePath', 'topk', 'toString', '__proto__x', ''])(
    'the unknown option %p',
    (key) => {
      let error: unknown;
      try {
        resolveOptions({ [key]: 1 });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'ENTROPY_INVALID_OPTION' });
      expect((error as Error).message).toContain(`Unknown option \`${key}\``);
      expect((error as Error).message).toContain('filepath, monitor, mode, patience, stopTraining');
    },
  );

  test.each([
    ['filePath', 'filepath'],
    ['montor', 'monitor'],
    ['topk', 'topK'],
    ['maxTokeep', 'maxToKeep'],
    ['saveLats', 'saveLast'],
    ['startFromEpochs', 'startFromEpoch'],
    ['stopTrainin', 'stopTraining'],
    // Their names in Keras and Lightning.
    ['saveBestOnly', 'maxToKeep'],
    ['save_weights_only', 'includeOptimizer'],
    ['dirpath', 'filepath'],
    ['initial_value_threshold', 'initialThreshold'],
  ])('the unknown option %p, and asks whether %p was meant', (name, meant) => {
    expect(() => resolveOptions({ [name]: 1 })).toThrow(`Did you mean \`${meant}\`?`);
  });

  test.each(['verbosity_level', 'callbacks', 'x', 'constructor'])(
    'the unknown option %p without a guess',
    (name) => {
      const { message } = thrownBy(() => resolveOptions({ [name]: 1 }));
      expect(message).not.toContain('Did you mean');
    },
  );

  test('an unknown option even if it is undefined', () => {
    expect(() => resolveOptions({ topk: undefined } as EntropyCheckpointOptions)).toThrow(
      'Unknown option `topk`',
    );
  });

  test('a path as options, and says where it goes', () => {
    expect(() => resolveOptions('runs/a' as EntropyCheckpointOptions)).toThrow(
      "Pass `{ filepath: 'runs/a' }`.",
    );
  });

  test.each([
    ['best', "'best'"],
    [5, '5'],
    [null, 'null'],
    [['entropy'], "['entropy']"],
    [onBest, 'a function'],
  ])('%p as options', (options, got) => {
    expect(() => resolveOptions(options as EntropyCheckpointOptions)).toThrow(
      expect.objectContaining({
        code: 'ENTROPY_INVALID_OPTION',
        message: expect.stringContaining(`Expected an object of options, got ${got}.`),
      }),
    );
  });
});

describe('epochOf', () => {
  const withLast = resolveOptions({ saveLast: true });
  const withoutLast = resolveOptions();

  it.each([
    [{}, undefined],
    [{ epoch: undefined }, undefined],
    [{ epoch: 0 }, 0],
    [{ epoch: 12 }, 12],
    [{ epoch: 'last' }, 'last'],
  ])('accepts %p', (options, expected) => {
    expect(epochOf(options as { epoch?: number }, withLast)).toBe(expected);
  });

  it.each([
    [{ epoch: -1 }, /`epoch` to be an integer from 0 up, or 'last', got -1/],
    [{ epoch: 'best' }, /got 'best'/],
    [{ epcoh: 3 }, /Did you mean `epoch`\?/],
    [3, /Expected an object of options, got 3/],
  ])('refuses %p', (options, message) => {
    const error = thrownBy(() => epochOf(options as { epoch?: number }, withLast));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toMatch(message);
  });

  it("refuses 'last' without `saveLast`", () => {
    const error = thrownBy(() => epochOf({ epoch: 'last' }, withoutLast));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain('Set `saveLast: true`');
  });
});

test.each<[NonNullable<EntropyCheckpointOptions['averageWeights']>, string]>([
  [{ decay: 0 }, 'Expected `decay` to be a number between 0 and 1, got 0.'],
  [{ decay: 1 }, 'Expected `decay` to be a number between 0 and 1, got 1.'],
  [{ decay: NaN }, 'Expected `decay` to be a number between 0 and 1, got NaN.'],
  [{ updatesPerEpoch: 0 }, 'Expected `updatesPerEpoch` to be an integer from 1 up, got 0.'],
  [{ updatesPerEpoch: 1.5 }, 'Expected `updatesPerEpoch` to be an integer from 1 up, got 1.5.'],
  [{ decya: 0.5 } as object, 'Unknown option `decya`. Did you mean `decay`?'],
])('averageWeights: %j is refused', (averageWeights, message) => {
  expect(thrownBy(() => resolveOptions({ averageWeights })).message).toContain(message);
});

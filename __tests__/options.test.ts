import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { resolveOptions, type EntropyCheckpointOptions } from '../src/options.js';
import type { CheckpointStore } from '../src/stores/store.js';

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

test('every option has a default', () => {
  const defaults = {
    filepath: 'entropy_checkpoint',
    criterion: 'max-entropy',
    criterionRows: 10_000,
    monitor: 'entropy',
    mode: 'max',
    topK: 2,
    fromLogits: 'auto',
    outputs: null,
    minDelta: 0,
    startFromEpoch: 0,
    includeOptimizer: true,
    initialThreshold: null,
    restoreBestWeights: false,
    maxToKeep: 1,
    saveLast: false,
    onBest: null,
    yieldEvery: 'auto',
    verbose: 0,
  };
  expect(resolveOptions()).toEqual(defaults);
  expect(resolveOptions({})).toEqual(defaults);
});

test('undefined is the default, whatever the option', () => {
  const keys = Object.keys(resolveOptions());
  const given = Object.fromEntries(keys.map((key) => [key, undefined]));
  expect(resolveOptions(given as EntropyCheckpointOptions)).toEqual(resolveOptions());
});

describe('a criterion of its own', () => {
  test.each([
    ['consensus', 'max'],
    ['label-wave', 'min'],
  ] as const)('%s: compares its own values', (criterion, mode) => {
    const options = resolveOptions({ criterion, criterionRows: 50, startFromEpoch: 3, maxToKeep: 2 });
    expect(options).toMatchObject({
      criterion,
      criterionRows: 50,
      monitor: criterion,
      mode,
      startFromEpoch: 3,
    });
  });

  test.each([
    { monitor: 'entropy' },
    { mode: 'max' },
    { minDelta: 0 },
    { initialThreshold: 0.2 },
  ] as EntropyCheckpointOptions[])('refuses %j beside it', (option) => {
    const [key] = Object.keys(option);
    expect(() => resolveOptions({ criterion: 'consensus', ...option })).toThrow(`no \`${key!}\` with`);
    expect(() => resolveOptions({ criterion: 'max-entropy', ...option })).not.toThrow();
  });

  test('refuses `criterionRows` without it', () => {
    expect(() => resolveOptions({ criterionRows: 50 })).toThrow('criterionRows');
  });
});

describe('takes', () => {
  test.each<[keyof EntropyCheckpointOptions, unknown]>([
    ['filepath', 'best'],
    ['filepath', 'file:///tmp/best'],
    ['filepath', 'indexeddb://best'],
    ['filepath', null],
    ['filepath', handler],
    ['filepath', store],
    ['monitor', 'entropy'],
    ['monitor', 'train_entropy'],
    ['monitor', 'val_entropy'],
    ['monitor', 'val_acc'],
    ['mode', 'min'],
    ['mode', 'max'],
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
    ['verbose', 0],
    ['verbose', 1],
  ])('%s: %p', (key, value) => {
    const resolved = resolveOptions({ [key]: value });
    expect(resolved[key]).toBe(value);
    const others = { ...resolved, [key]: null, mode: null };
    expect(others).toEqual({ ...resolveOptions(), [key]: null, mode: null });
  });
});

describe('refuses', () => {
  test.each<[keyof EntropyCheckpointOptions, unknown, string]>([
    ['filepath', '', "''"],
    ['filepath', 7, '7'],
    ['filepath', true, 'true'],
    ['filepath', {}, 'an object'],
    ['filepath', ['a'], "['a']"],
    ['filepath', () => 'a', 'a function'],
    ['monitor', '', "''"],
    ['monitor', null, 'null'],
    ['monitor', 3, '3'],
    ['monitor', ['entropy'], "['entropy']"],
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
    ['verbose', 2, '2'],
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
    expect(message.endsWith(`, got ${got}.`)).toBe(true);
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
      expect((error as Error).message).toContain('filepath, criterion, criterionRows, monitor, mode');
    },
  );

  test('an unknown option even if it is undefined', () => {
    expect(() => resolveOptions({ topk: undefined } as EntropyCheckpointOptions)).toThrow(
      'Unknown option `topk`',
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
        message: expect.stringContaining(`Expected options to be an object, got ${got}.`),
      }),
    );
  });
});

describe("mode 'auto'", () => {
  test.each([
    ['entropy', 'max'],
    ['val_acc', 'max'],
    ['val_loss', 'min'],
  ])('is told from the monitor %s: %s', (monitor, mode) => {
    expect(resolveOptions({ monitor }).mode).toBe(mode);
    expect(resolveOptions({ monitor, mode: 'auto' }).mode).toBe(mode);
  });

  test('is refused where the monitor does not tell, with what to set', () => {
    expect(() => resolveOptions({ monitor: 'f1' })).toThrow(
      expect.objectContaining({
        code: 'ENTROPY_INVALID_OPTION',
        message: expect.stringMatching(/"f1".*`mode: 'max'` or `mode: 'min'`/),
      }),
    );
  });

  test.each(['max', 'min'] as const)('is not needed where the mode is set: %s', (mode) => {
    expect(resolveOptions({ monitor: 'f1', mode }).mode).toBe(mode);
    expect(resolveOptions({ monitor: 'entropy', mode }).mode).toBe(mode);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  MemoryStore,
  topKEntropy,
  type EntropyCheckpointErrorCode,
  type EntropyCheckpointOptions,
} from 'tfjs-entropy-checkpoint';
import { MESSAGE_PREFIX } from '../../src/errors.js';
import { loadCode } from '../../src/platform/load-code.js';
import { innerModel, makeData, makeModel, NUM_CLASSES, NUM_FEATURES } from '../support/fixtures.js';
import { rejection, thrownBy } from '../support/errors.js';
import { nothingStored } from '../support/nothing-stored.js';
import { seenThroughDeepProxy } from '../support/proxy.js';

const ROOT = resolve(import.meta.dirname, '../..');
const { x, y } = makeData(20);
const start = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-faq-'));

beforeAll(() => {
  process.chdir(folder);
});

afterAll(() => {
  process.chdir(start);
  rmSync(folder, { recursive: true, force: true });
});

interface FitOptions {
  model?: tf.LayersModel;
  epochs?: number;
  initialEpoch?: number;
  validationSplit?: number;
  targets?: tf.Tensor;
}

async function fit(callbacks: unknown, options: FitOptions = {}): Promise<void> {
  const { model = makeModel(), epochs = 2, initialEpoch = 0, validationSplit = 0.2, targets = y } = options;
  const config = { epochs, initialEpoch, validationSplit, verbose: 0 as const, shuffle: false };
  await model.fit(x, targets, { ...config, callbacks: callbacks as tf.CustomCallback });
}

const inMemory = (options: object = {}): EntropyCheckpointCallback =>
  new EntropyCheckpointCallback({ filepath: null, ...options });

async function trained(
  options: EntropyCheckpointOptions,
  model = makeModel('adam'),
): Promise<tf.LayersModel> {
  const checkpoint = new EntropyCheckpointCallback(options);
  await fit(checkpoint, { model });
  checkpoint.dispose();
  return model;
}

function modelOf(units: number, config: object, loss: string, metrics: string[] = []): tf.Sequential {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units, inputShape: [NUM_FEATURES], ...config })],
  });
  model.compile({ optimizer: 'sgd', loss, metrics });
  return model;
}

/** The first warning of this package while `action` runs. */
async function warningOf(action: () => Promise<unknown>): Promise<string> {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    await action();
    return String(
      warn.mock.calls.map(([text]) => String(text)).find((text) => text.startsWith(MESSAGE_PREFIX)),
    );
  } finally {
    warn.mockRestore();
  }
}

function damageShard(path: string): void {
  const shard = readdirSync(path).find((name) => name.endsWith('.bin'))!;
  const bytes = readFileSync(join(path, shard));
  bytes[5]! ^= 1;
  writeFileSync(join(path, shard), bytes);
}

function failingHandler(): tf.io.IOHandler {
  return {
    save: () => Promise.reject(new Error('The quota is exceeded')),
    load: nothingStored,
  };
}

function averagingLoop(): EntropyCheckpoint {
  return new EntropyCheckpoint(makeModel(), undefined, { filepath: null, averageWeights: true });
}

type Provoke = () => Promise<unknown>;

/** By code, the calls that throw the quoted errors, in the order of the page. */
const ERRORS: Record<string, Provoke[]> = {
  ENTROPY_INVALID_OPTION: [
    () => thrownLater(() => new EntropyCheckpointCallback({ montor: 'val_acc' } as object)),
    () => thrownLater(() => new EntropyCheckpointCallback({ monitor: 'val_f1' })),
    () => rejection(fit(inMemory({ fromLogits: true }))),
    () => thrownLater(() => inMemory({ stopTraining: true })),
    () => thrownLater(() => new EntropyCheckpointCallback({ filepath: failingHandler(), saveLast: true })),
    () => thrownLater(() => inMemory({ metadata: { classes: new Map() } })),
    () => rejection(loadCheckpoint('a-folder', { partial: true })),
  ],
  ENTROPY_INVALID_ARGUMENT: [
    () => {
      const options = { monitor: 'val_acc' } as unknown as tf.Optimizer;
      return thrownLater(() => new EntropyCheckpoint(makeModel(), options));
    },
    () => rejection(loadCheckpoint('a-folder', makeModel() as object)),
  ],
  ENTROPY_INVALID_STATE: [
    async () => {
      const checkpoint = inMemory();
      return rejection(fit([checkpoint, checkpoint]));
    },
    async () => {
      const checkpoint = inMemory();
      const model = makeModel();
      await fit(checkpoint, { model });
      return rejection(checkpoint.resume(model));
    },
    () => rejection(Promise.resolve().then(() => inMemory().onTrainBegin())),
    () => rejection(inMemory().withAverage(() => 1)),
    () => rejection(averagingLoop().saveCheckpoint(0)),
    () =>
      thrownLater(() => {
        averagingLoop().appendOutput(tf.tensor2d([[1, 0]]), 'val');
      }),
  ],
  ENTROPY_INVALID_CALLBACK_LIST: [() => rejection(fit([{ onEpochEnd: () => undefined }, inMemory()]))],
  ENTROPY_INVALID_PREDICTIONS: [() => thrownLater(() => topKEntropy(tf.tensor2d([[1], [1]])))],
  ENTROPY_NO_CLASS_OUTPUT: [
    () => rejection(fit(inMemory(), { model: modelOf(NUM_CLASSES, {}, 'meanSquaredError') })),
    () =>
      rejection(
        fit(inMemory(), { model: modelOf(NUM_CLASSES, { activation: 'sigmoid' }, 'binaryCrossentropy') }),
      ),
  ],
  ENTROPY_AMBIGUOUS_OUTPUT: [
    () =>
      rejection(
        fit(inMemory(), { model: modelOf(NUM_CLASSES, { name: 'scores' }, 'categoricalCrossentropy') }),
      ),
  ],
  ENTROPY_UNKNOWN_MONITOR: [
    () => rejection(fit(inMemory({ monitor: 'val_acc' }), { model: makeModel('sgd', { metrics: [] }) })),
    () => rejection(fit(inMemory({ monitor: 'consensus' }), { validationSplit: 0 })),
    () => rejection(fit(inMemory({ monitor: 'f1', mode: 'max' }))),
  ],
  ENTROPY_MONITOR_MISMATCH: [
    async () => {
      await trained({ filepath: 'monitored' });
      const other = new EntropyCheckpointCallback({ filepath: 'monitored', monitor: 'val_acc' });
      return rejection(other.resume(makeModel('adam')));
    },
    async () => {
      await trained({ filepath: 'not averaged' });
      const other = new EntropyCheckpointCallback({ filepath: 'not averaged', averageWeights: true });
      return rejection(other.resume(makeModel('adam')));
    },
  ],
  ENTROPY_NO_PREDICTIONS: [
    () => rejection(new EntropyCheckpoint(makeModel(), undefined, { filepath: null }).saveCheckpoint(0)),
  ],
  ENTROPY_NO_BEST: [
    () => rejection(inMemory().loadCheckpoint()),
    async () => {
      const checkpoint = inMemory({ startFromEpoch: 10 });
      await fit(checkpoint);
      return rejection(checkpoint.loadCheckpoint());
    },
  ],
  ENTROPY_MODEL_CHANGED: [
    async () => {
      const checkpoint = inMemory();
      await fit(checkpoint);
      return rejection(fit(checkpoint));
    },
  ],
  ENTROPY_MODEL_DISPOSED: [
    () => {
      const model = makeModel();
      model.dispose();
      return rejection(inMemory().resume(model));
    },
  ],
  ENTROPY_MODEL_MISMATCH: [
    async () => {
      await trained({ filepath: 'other-model' });
      const model = modelOf(NUM_CLASSES, { activation: 'softmax' }, 'categoricalCrossentropy');
      return rejection(loadCheckpoint('other-model', { model }));
    },
    () => {
      const model = modelOf(NUM_CLASSES, { activation: 'softmax' }, 'categoricalCrossentropy');
      return rejection(loadCheckpoint('other-model', { model, partial: true }));
    },
  ],
  ENTROPY_OPTIMIZER_MISMATCH: [
    async () => {
      await trained({ filepath: 'other-optimizer' });
      return rejection(loadCheckpoint('other-optimizer', { model: makeModel('sgd') }));
    },
    async () => {
      await trained({ filepath: 'weights-alone', includeOptimizer: false });
      const optimizer = tf.train.adam();
      return rejection(loadCheckpoint('weights-alone', { model: makeModel(), optimizer }));
    },
  ],
  ENTROPY_UNSUPPORTED_MODEL: [
    () => thrownLater(() => new EntropyCheckpoint(tf.sequential(), undefined, { filepath: null })),
    () => rejection(inMemory().resume(seenThroughDeepProxy(makeModel()))),
  ],
  ENTROPY_UNSUPPORTED_OPTIMIZER: [
    () => {
      const optimizer = Object.assign(tf.train.sgd(0.1), { schedule: () => 0.1 });
      return rejection(fit(inMemory(), { model: makeModel(optimizer) }));
    },
  ],
  ENTROPY_UNSUPPORTED_TFJS: [
    () => {
      const model = makeModel();
      Object.assign(innerModel(model), { makeTestFunction: null });
      return rejection(fit(inMemory(), { model, validationSplit: 0 }));
    },
    () => {
      let other: typeof tf | undefined;
      jest.isolateModules(() => {
        other = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tf;
      });
      const { sequential, layers } = other!;
      const model = sequential({
        // Both copies share the variables and count their layers from 1: the default name would be taken.
        layers: [
          layers.dense({
            name: 'other',
            units: NUM_CLASSES,
            inputShape: [NUM_FEATURES],
            activation: 'softmax',
          }),
        ],
      });
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
      return rejection(fit(inMemory(), { model }));
    },
  ],
  ENTROPY_WRONG_INITIAL_EPOCH: [
    async () => {
      await trained({ filepath: 'resumed', saveLast: true });
      const checkpoint = new EntropyCheckpointCallback({ filepath: 'resumed', saveLast: true });
      const model = makeModel('adam');
      await checkpoint.resume(model);
      return rejection(fit(checkpoint, { model, epochs: 4 }));
    },
    async () => {
      const options = { filepath: 'within', saveLast: { everyBatches: 4 } };
      const model = makeModel('adam');
      const own = new EntropyCheckpoint(model, undefined, options);
      own.appendOutput(tf.tensor2d([[0.1, 0.2, 0.3, 0.4]]));
      await own.endBatch(2, 3);
      await own.flush();
      own.dispose();
      const checkpoint = new EntropyCheckpointCallback(options);
      await checkpoint.resume(model);
      return rejection(fit(checkpoint, { model, initialEpoch: 2, epochs: 4 }));
    },
  ],
  ENTROPY_NO_CHECKPOINT: [
    () => rejection(loadCheckpoint('entropy_checkpoint')),
    async () => {
      await trained({ filepath: 'kept', maxToKeep: 2 });
      return rejection(loadCheckpoint('kept', { epoch: 7 }));
    },
    async () => {
      await trained({ filepath: 'older' });
      const checkpoint = new EntropyCheckpointCallback({
        filepath: 'older',
        saveLast: true,
        startFromEpoch: 9,
      });
      await fit(checkpoint);
      return rejection(checkpoint.loadCheckpoint({ epoch: 'last' }));
    },
  ],
  ENTROPY_NOT_A_CHECKPOINT: [
    async () => {
      mkdirSync('my-model');
      writeFileSync('my-model/model.json', JSON.stringify({ modelTopology: {}, weightsManifest: [] }));
      return rejection(loadCheckpoint('my-model'));
    },
    () => rejection(fit(new EntropyCheckpointCallback({ filepath: 'my-model' }))),
  ],
  ENTROPY_CORRUPT_CHECKPOINT: [
    async () => {
      await trained({ filepath: 'damaged' });
      damageShard('damaged');
      return rejection(loadCheckpoint('damaged'));
    },
  ],
  ENTROPY_CODE_NOT_LOADED: [
    // Chromium's message for a missing file.
    () =>
      rejection(
        loadCode(Promise.reject(new TypeError('Failed to fetch dynamically imported module: http://a/b.js'))),
      ),
  ],
  ENTROPY_CHECKPOINT_REPLACED: [
    async () => {
      const checkpoint = new EntropyCheckpointCallback({ filepath: 'replaced' });
      await fit(checkpoint);
      await trained({ filepath: 'replaced' });
      return rejection(checkpoint.loadCheckpoint());
    },
  ],
  ENTROPY_STORE_IN_USE: [
    async () => {
      const store = new MemoryStore();
      await store.open();
      return rejection(fit(new EntropyCheckpointCallback({ filepath: store })));
    },
    async () => {
      const checkpoint = new EntropyCheckpoint(makeModel(), undefined, {
        filepath: 'in-use',
        monitor: 'loss',
      });
      await checkpoint.saveCheckpoint(0, { loss: 1 });
      const error = await rejection(fit(new EntropyCheckpointCallback({ filepath: 'in-use' })));
      checkpoint.dispose();
      return error;
    },
  ],
  ENTROPY_STORE_FAILED: [
    () => rejection(fit(new EntropyCheckpointCallback({ filepath: failingHandler() }))),
    () => {
      writeFileSync('a-file', '');
      return rejection(fit(new EntropyCheckpointCallback({ filepath: 'a-file/checkpoint' })));
    },
    () => rejection(loadCheckpoint({ load: () => Promise.reject(new Error('Nothing is stored')) })),
    () => {
      const silent = { load: () => new Promise<tf.io.ModelArtifacts>(() => undefined) };
      return rejection(loadCheckpoint(silent, { storeTimeoutMs: 10 }));
    },
  ],
};

/** Calls that reject with the errors of TensorFlow.js that are headings, in the order of the page. */
const FOREIGN_ERRORS: Provoke[] = [
  () => fit([inMemory(), { onEpochEnd: () => undefined }]),
  () => fit([inMemory(), null]),
  () => makeModel().fit(seenThroughDeepProxy(x), y, { epochs: 1, validationSplit: 0.2, verbose: 0 }),
];

/** Calls that print the quoted warnings, in the order of the page. */
const WARNINGS: Provoke[] = [
  // Steps so small that nothing changes.
  () => fit(inMemory(), { model: makeModel(tf.train.sgd(1e-30)) }),
  () => fit(inMemory({ startFromEpoch: 9 })),
  () => rejection(fit(new EntropyCheckpointCallback({ filepath: failingHandler() }))),
  async () => {
    await trained({ filepath: 'two-kept', maxToKeep: 2 });
    damageShard('two-kept');
    await loadCheckpoint('two-kept');
  },
  () => {
    const entropy = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor => tf.sub(labels, predictions);
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: [entropy] });
    return fit(inMemory({ startFromEpoch: 1 }), { model });
  },
  async () => {
    const input = tf.input({ shape: [NUM_FEATURES] });
    const outputs = ['a', 'b'].map(
      (name) =>
        tf.layers
          .dense({ units: NUM_CLASSES, activation: 'softmax', name })
          .apply(input) as tf.SymbolicTensor,
    );
    const model = tf.model({ inputs: input, outputs });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const callbacks = inMemory({ monitor: 'val_loss' });
    await model.fit(x, [y, y], { epochs: 1, validationSplit: 0.2, verbose: 0, callbacks });
  },
  () => {
    const checkpoint = inMemory();
    checkpoint.dispose();
    return fit(checkpoint);
  },
];

function thrownLater(action: () => unknown): Promise<unknown> {
  return Promise.resolve(thrownBy(action));
}

const page = readFileSync(join(ROOT, 'docs/faq.md'), 'utf8');

/** The messages that are quoted below a heading, up to the next heading. */
function quotedBelow(heading: string): string[] {
  const [, below = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = below.split(/\n##+ /);
  return [...section.matchAll(/```text\n(?<message>.*)\n```/g)].map(({ groups }) => groups!['message']!);
}

/** In a quoted message, `…` stands for any text. */
function patternOf(quoted: string): RegExp {
  const parts = quoted.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`);
}

/** The address of the heading that is a code, as sites for Markdown make it. */
const addressOf = (heading: string): string => `docs/faq.md#${heading.toLowerCase()}`;

const codes = [
  ...new Set(
    [...readFileSync(join(ROOT, 'src/errors.ts'), 'utf8').matchAll(/'(ENTROPY_\w+)'/g)].map(
      ([, code]) => code!,
    ),
  ),
];

describe('the page of error messages', () => {
  test('has every code', () => {
    expect(codes.length).toBeGreaterThan(0);
    expect(Object.keys(ERRORS).sort()).toEqual([...codes].sort());
  });

  test.each(codes)('has a heading at the address in the messages of %s', (code) => {
    const { message } = new EntropyCheckpointError(code as EntropyCheckpointErrorCode, 'Anything.');
    const [, file, anchor] = / See (\S+\.md)#(\S+)$/.exec(message)!;
    const headings = readFileSync(join(ROOT, file!), 'utf8').matchAll(/^#+ (\S+)$/gm);
    expect([...headings].map(([, heading]) => heading!.toLowerCase())).toContain(anchor);
  });

  test('quotes only messages that are tested here', () => {
    const provoked = [...Object.values(ERRORS), WARNINGS].flat();
    expect(page.match(/^\[entropy-checkpoint\] /gm)).toHaveLength(provoked.length);
  });

  test.each(codes)('quotes the messages of %s as they are thrown', async (code) => {
    const quoted = quotedBelow(`### ${code}`);
    const provoked = ERRORS[code]!;
    expect(quoted).toHaveLength(provoked.length);
    for (const [i, provoke] of provoked.entries()) {
      const error = (await provoke()) as EntropyCheckpointError;
      expect(error.code).toBe(code);
      // The page leaves out its own address.
      const [message, address] = error.message.split(' See ');
      expect(message).toMatch(patternOf(quoted[i]!));
      expect(address).toBe(addressOf(code));
    }
  });

  test('has headings that are errors of TensorFlow.js', async () => {
    const [, below] = page.split('\n## Errors of TensorFlow.js\n');
    const [section] = below!.split(/\n## /);
    const headings = [...section!.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading!);
    expect(headings).toHaveLength(FOREIGN_ERRORS.length);
    for (const [i, provoke] of FOREIGN_ERRORS.entries()) {
      await expect(provoke()).rejects.toThrow(new Error(headings[i]));
    }
  });

  test('quotes the warnings as they are printed', async () => {
    const quoted = quotedBelow('## Warnings');
    expect(quoted).toHaveLength(WARNINGS.length);
    for (const [i, provoke] of WARNINGS.entries()) {
      expect(await warningOf(provoke)).toMatch(patternOf(quoted[i]!));
    }
  });
});

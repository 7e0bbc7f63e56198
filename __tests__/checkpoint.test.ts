import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from '../src/checkpoint.js';
import type { EpochRecord } from '../src/epoch-record.js';
import type { EntropyCheckpointOptions } from '../src/options.js';
import { MemoryStore } from '../src/stores/memory-store.js';
import { entropyOfProbabilities, mean, softmax64 } from './support/entropy64.js';
import { pause } from './support/pause.js';
import { storedEpochs } from './support/stored-epochs.js';
import {
  expectNoTensorsLeft,
  makeData,
  NUM_CLASSES,
  NUM_FEATURES,
  seededDense,
  useTempFolder,
  weightValues,
} from './support/fixtures.js';

const tempFolder = useTempFolder();

afterEach(() => {
  jest.restoreAllMocks();
});

/** Rows of logits. The lower the index, the higher the entropy. */
const SHARPNESS = [0.5, 1, 2, 4, 8];
const PREDICTIONS = SHARPNESS.map((z) => [z, z / 2, 0, 0]);
const ENTROPIES = PREDICTIONS.map((row) => entropyOfProbabilities(softmax64(row)));

/** A model for a custom training loop: not compiled. */
function makeModel(activation: 'softmax' | 'linear' = 'softmax'): tf.Sequential {
  return tf.sequential({
    layers: [
      seededDense(5, 3, { inputShape: [NUM_FEATURES], activation: 'tanh' }),
      seededDense(NUM_CLASSES, 4, { activation }),
    ],
  });
}

interface Parts {
  readonly model: tf.Sequential;
  readonly optimizer: tf.Optimizer;
  readonly checkpoint: EntropyCheckpoint;
  /** Appends a batch with these rows of logits. */
  readonly append: (rows: number[][], phase?: 'train' | 'val') => void;
}

/** Runs `body` with a checkpoint of a small model, frees everything, and expects that no tensor is left. */
async function withCheckpoint(
  options: EntropyCheckpointOptions,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const optimizer = tf.train.adam(0.05);
    const checkpoint = new EntropyCheckpoint(model, optimizer, { fromLogits: true, ...options });
    const append: Parts['append'] = (rows, phase) => {
      const output = tf.tensor2d(rows);
      try {
        checkpoint.appendOutput(output, phase);
      } finally {
        output.dispose();
      }
    };
    try {
      await body({ model, optimizer, checkpoint, append });
    } finally {
      // `body` has checked the errors that it expects.
      await checkpoint.flush().catch(() => undefined);
      checkpoint.dispose();
      optimizer.dispose();
      model.dispose();
    }
  });
}

/** One training step. `observe` gets the output inside the loss. */
function trainStep(
  model: tf.LayersModel,
  optimizer: tf.Optimizer,
  seed: number,
  observe: (output: tf.Tensor) => void = () => undefined,
): void {
  const { x, y } = makeData(16, seed + 1);
  optimizer.minimize(() => {
    const output = model.apply(x, { training: true }) as tf.Tensor;
    observe(output);
    return tf.neg(tf.mean(tf.mul(y, tf.log(tf.add(output, 1e-7)))));
  });
  tf.dispose([x, y]);
}

const codeOf = (code: string): unknown => expect.objectContaining({ name: 'EntropyCheckpointError', code });

/** The epoch that the folder's model.json holds. */
function storedEpoch(folder: string): number {
  const file = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
    userDefinedMetadata: Record<string, { record: EpochRecord }>;
  };
  return Object.values(file.userDefinedMetadata)[0]!.record.epoch;
}

/** A memory store that records its calls, and whose saves can fail. */
class FragileStore extends MemoryStore {
  readonly calls: string[] = [];
  fails = false;

  override async open(): Promise<void> {
    this.calls.push('open');
    return super.open();
  }

  override async save(...args: Parameters<MemoryStore['save']>): Promise<void> {
    // Takes a while, like a real store.
    await pause(5);
    if (this.fails) throw new Error('disk full');
    this.calls.push('save');
    await super.save(...args);
  }

  override close(): void {
    this.calls.push('close');
    super.close();
  }
}

describe('the four calls in a training loop', () => {
  const loops = {
    'in the loss, under the gradient tape': (
      checkpoint: EntropyCheckpoint,
      model: tf.LayersModel,
      optimizer: tf.Optimizer,
      seed: number,
    ) => {
      const outputs: number[][][] = [];
      trainStep(model, optimizer, seed, (output) => {
        checkpoint.appendOutput(output);
        outputs.push(output.arraySync() as number[][]);
      });
      return outputs.flat();
    },
    'in a tidy': (
      checkpoint: EntropyCheckpoint,
      model: tf.LayersModel,
      optimizer: tf.Optimizer,
      seed: number,
    ) => {
      trainStep(model, optimizer, seed);
      const { x, y } = makeData(16, seed + 1);
      const rows = tf.tidy(() => {
        const output = model.predict(x) as tf.Tensor;
        checkpoint.appendOutput(output);
        return output.arraySync() as number[][];
      });
      tf.dispose([x, y]);
      return rows;
    },
    'outside both': (
      checkpoint: EntropyCheckpoint,
      model: tf.LayersModel,
      optimizer: tf.Optimizer,
      seed: number,
    ) => {
      trainStep(model, optimizer, seed);
      const { x, y } = makeData(16, seed + 1);
      const output = model.predict(x) as tf.Tensor;
      checkpoint.appendOutput(output);
      const rows = output.arraySync() as number[][];
      tf.dispose([x, y, output]);
      return rows;
    },
  };

  describe.each(['a folder', 'memory'])('with checkpoints in %s', (location) => {
    test.each(Object.entries(loops))(
      'restore the best epoch when outputs are appended %s',
      async (_, appendStep) => {
        const filepath = location === 'memory' ? null : join(tempFolder(), 'best');
        await withCheckpoint({ filepath, fromLogits: 'auto' }, async ({ model, optimizer, checkpoint }) => {
          const expected: number[] = [];
          const weights: number[][][] = [];
          const saved: boolean[] = [];
          for (let epoch = 0; epoch < 6; epoch++) {
            const rows = [0, 1, 2].flatMap((step) =>
              appendStep(checkpoint, model, optimizer, 10 * epoch + step),
            );
            expected.push(mean(rows.map((row) => entropyOfProbabilities(row))));
            saved.push(await checkpoint.saveCheckpoint(epoch));
            checkpoint.resetOutput();
            weights.push(weightValues(model));
          }
          expect(checkpoint.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5]);
          checkpoint.history.forEach(({ entropy }, epoch) => {
            expect(entropy).toBeCloseTo(expected[epoch]!, 5);
          });
          expect(saved).toEqual(
            expected.map((value, epoch) => expected.slice(0, epoch).every((one) => one < value)),
          );
          const bestEpoch = expected.indexOf(Math.max(...expected));
          expect(checkpoint.best?.epoch).toBe(bestEpoch);
          expect(await checkpoint.loadCheckpoint()).toBe(checkpoint.best);
          expect(weightValues(model)).toEqual(weights[bestEpoch]);
        });
      },
    );
  });
});

describe('saveCheckpoint', () => {
  it('returns whether the epoch became the best, and records every epoch', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      expect({ history: checkpoint.history, best: checkpoint.best }).toEqual({ history: [], best: null });
      const saved: boolean[] = [];
      for (const [epoch, i] of [3, 2, 2, 4, 1].entries()) {
        append([PREDICTIONS[i]!]);
        saved.push(await checkpoint.saveCheckpoint(epoch));
      }
      expect(saved).toEqual([true, true, false, false, true]);
      expect(checkpoint.history.map(({ isBest }) => isBest)).toEqual(saved);
      expect(checkpoint.history.map(({ epoch, fit }) => [epoch, fit])).toEqual([
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
        [4, 0],
      ]);
      expect(checkpoint.best).toBe(checkpoint.history[4]);
    });
  });

  it('records the entropies of both phases and the compared value', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS.slice(0, 2));
      append(PREDICTIONS.slice(2, 3));
      append(PREDICTIONS.slice(3), 'val');
      await checkpoint.saveCheckpoint(0);
      const record = checkpoint.history[0]!;
      expect(record.trainEntropy).toBeCloseTo(mean(ENTROPIES.slice(0, 3)), 6);
      expect(record.valEntropy).toBeCloseTo(mean(ENTROPIES.slice(3)), 6);
      expect(record.entropy).toBeCloseTo(mean(ENTROPIES), 6);
      expect(record.value).toBe(record.entropy);
    });
  });

  it.each([
    ['train_entropy', 'trainEntropy'],
    ['val_entropy', 'valEntropy'],
  ] as const)('compares epochs by %s', async (monitor, field) => {
    await withCheckpoint({ filepath: null, monitor }, async ({ checkpoint, append }) => {
      append([PREDICTIONS[0]!], 'train');
      append([PREDICTIONS[4]!], 'val');
      await checkpoint.saveCheckpoint(0);
      append([PREDICTIONS[4]!], 'train');
      append([PREDICTIONS[0]!], 'val');
      const improved = await checkpoint.saveCheckpoint(1);
      expect(improved).toBe(monitor === 'val_entropy');
      for (const record of checkpoint.history) expect(record.value).toBe(record[field]);
    });
  });

  it('begins the next epoch, without resetOutput', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      for (const epoch of [0, 1]) {
        append([PREDICTIONS[epoch]!]);
        await checkpoint.saveCheckpoint(epoch);
      }
      expect(checkpoint.history[1]?.entropy).toBeCloseTo(ENTROPIES[1]!, 6);
    });
  });

  it('counts outputs that are appended during a write for the next epoch, once the store is open', async () => {
    await withCheckpoint({ filepath: new FragileStore() }, async ({ checkpoint, append }) => {
      append([PREDICTIONS[4]!]);
      const first = checkpoint.saveCheckpoint(0);
      // It would be counted for the epoch that ends.
      expect(() => {
        append([PREDICTIONS[2]!]);
      }).toThrow(codeOf('ENTROPY_INVALID_STATE'));
      await first;
      append([PREDICTIONS[2]!]);
      const second = checkpoint.saveCheckpoint(1);
      append([PREDICTIONS[0]!]);
      await second;
      append([PREDICTIONS[1]!]);
      await checkpoint.saveCheckpoint(2);
      expect(checkpoint.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
      expect(checkpoint.history[0]?.entropy).toBeCloseTo(ENTROPIES[4]!, 6);
      expect(checkpoint.history[1]?.entropy).toBeCloseTo(ENTROPIES[2]!, 6);
      expect(checkpoint.history[2]?.entropy).toBeCloseTo(mean(ENTROPIES.slice(0, 2)), 6);
    });
  });

  it('records an epoch of NaN, which is never the best and does not block later epochs', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      const saved: boolean[] = [];
      for (const [epoch, row] of [
        [NaN, 0, 0, 0],
        PREDICTIONS[3]!,
        [0, NaN, 0, 0],
        PREDICTIONS[2]!,
      ].entries()) {
        append([row]);
        saved.push(await checkpoint.saveCheckpoint(epoch));
      }
      expect(saved).toEqual([false, true, false, true]);
      expect(checkpoint.history.map(({ value }) => Number.isNaN(value))).toEqual([true, false, true, false]);
      expect(checkpoint.best?.epoch).toBe(3);
    });
  });

  it('respects startFromEpoch and minDelta', async () => {
    const options = { filepath: null, startFromEpoch: 1, minDelta: 0.1 };
    await withCheckpoint(options, async ({ checkpoint, append }) => {
      const saved: boolean[] = [];
      for (const [epoch, i] of [0, 3, 2].entries()) {
        append([PREDICTIONS[i]!]);
        saved.push(await checkpoint.saveCheckpoint(epoch));
      }
      expect(ENTROPIES[2]! - ENTROPIES[3]!).toBeGreaterThan(0.1);
      expect(saved).toEqual([false, true, true]);
    });
  });
});

describe('appendOutput', () => {
  it('neither disposes nor changes the tensor', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint }) => {
      const output = tf.tensor2d(PREDICTIONS);
      checkpoint.appendOutput(output);
      await checkpoint.saveCheckpoint(0);
      expect(output.isDisposed).toBe(false);
      expect(output.arraySync()).toEqual(PREDICTIONS);
      output.dispose();
    });
  });

  it('ignores an empty batch', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      const empty = tf.zeros([0, 4]);
      checkpoint.appendOutput(empty);
      await expect(checkpoint.saveCheckpoint(0)).rejects.toThrow(codeOf('ENTROPY_NO_PREDICTIONS'));
      append([PREDICTIONS[0]!]);
      checkpoint.appendOutput(empty);
      await checkpoint.saveCheckpoint(0);
      expect(checkpoint.history[0]?.entropy).toBeCloseTo(ENTROPIES[0]!, 6);
      empty.dispose();
    });
  });

  it.each(['valid', 'TRAIN', null, 1])('refuses the phase %p', async (phase) => {
    await withCheckpoint({ filepath: null }, ({ append }) => {
      expect(() => {
        append(PREDICTIONS, phase as 'val');
      }).toThrow(
        expect.objectContaining({
          code: 'ENTROPY_INVALID_ARGUMENT',
          message: expect.stringContaining("`phase` to be 'train' or 'val', got "),
        }),
      );
      return Promise.resolve();
    });
  });

  it.each([undefined, null, [[1, 2]], 'output'])('refuses %p, which is not a tensor', async (output) => {
    await withCheckpoint({ filepath: null }, ({ checkpoint }) => {
      expect(() => {
        checkpoint.appendOutput(output as unknown as tf.Tensor);
      }).toThrow(codeOf('ENTROPY_INVALID_PREDICTIONS'));
      return Promise.resolve();
    });
  });

  it('refuses a scalar', async () => {
    await withCheckpoint({ filepath: null }, ({ checkpoint }) => {
      const scalar = tf.scalar(1);
      expect(() => {
        checkpoint.appendOutput(scalar);
      }).toThrow(codeOf('ENTROPY_INVALID_PREDICTIONS'));
      scalar.dispose();
      return Promise.resolve();
    });
  });
});

describe('resetOutput', () => {
  it('discards what was appended', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append([PREDICTIONS[0]!]);
      append([PREDICTIONS[0]!], 'val');
      checkpoint.resetOutput();
      append([PREDICTIONS[3]!]);
      await checkpoint.saveCheckpoint(0);
      expect(checkpoint.history[0]).toMatchObject({ valEntropy: null });
      expect(checkpoint.history[0]?.entropy).toBeCloseTo(ENTROPIES[3]!, 6);
    });
  });

  it('leaves nothing to save, but keeps the history', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      append(PREDICTIONS);
      checkpoint.resetOutput();
      await expect(checkpoint.saveCheckpoint(1)).rejects.toThrow(codeOf('ENTROPY_NO_PREDICTIONS'));
      expect(checkpoint.history).toHaveLength(1);
    });
  });
});

describe('loadCheckpoint', () => {
  /** Trains `steps` further steps, and returns the weights after each. */
  const trainOn = (model: tf.LayersModel, optimizer: tf.Optimizer, steps: number): number[][][] =>
    Array.from({ length: steps }, (_, step) => {
      trainStep(model, optimizer, 100 + step);
      return weightValues(model);
    });

  it.each(['a folder', 'memory'])('restores weights and optimizer exactly, from %s', async (location) => {
    const filepath = location === 'memory' ? null : join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ model, optimizer, checkpoint, append }) => {
      for (let step = 0; step < 5; step++) trainStep(model, optimizer, step);
      append([PREDICTIONS[0]!]);
      await checkpoint.saveCheckpoint(0);
      const best = weightValues(model);
      const reference = trainOn(model, optimizer, 4);
      append([PREDICTIONS[1]!]);
      expect(await checkpoint.saveCheckpoint(1)).toBe(false);

      expect((await checkpoint.loadCheckpoint()).epoch).toBe(0);
      expect(weightValues(model)).toEqual(best);
      expect(trainOn(model, optimizer, 4)).toEqual(reference);
      await checkpoint.loadCheckpoint();
      expect(trainOn(model, optimizer, 4)).toEqual(reference);
    });
  });

  it('leaves the optimizer alone with `includeOptimizer: false`', async () => {
    await withCheckpoint({ filepath: null, includeOptimizer: false }, async (parts) => {
      const { model, optimizer, checkpoint, append } = parts;
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      const best = weightValues(model);
      trainOn(model, optimizer, 3);
      await checkpoint.loadCheckpoint();
      expect(weightValues(model)).toEqual(best);
      expect(optimizer.iterations).toBe(3);
    });
  });

  it('restores the optimizer that the model is compiled with if none is passed', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const optimizer = tf.train.adam(0.05);
      model.compile({ optimizer, loss: 'categoricalCrossentropy' });
      const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null });
      trainOn(model, optimizer, 2);
      const output = tf.tensor2d([[0.4, 0.3, 0.2, 0.1]]);
      checkpoint.appendOutput(output);
      await checkpoint.saveCheckpoint(0);
      const reference = trainOn(model, optimizer, 3);
      await checkpoint.loadCheckpoint();
      expect(trainOn(model, optimizer, 3)).toEqual(reference);
      checkpoint.dispose();
      output.dispose();
      optimizer.dispose();
      model.dispose();
    });
  });

  it('is refused without a best epoch, and the error says why there is none', async () => {
    await withCheckpoint({ filepath: null, initialThreshold: 5 }, async ({ checkpoint, append }) => {
      await expect(checkpoint.loadCheckpoint()).rejects.toThrow(codeOf('ENTROPY_NO_BEST'));
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      await expect(checkpoint.loadCheckpoint()).rejects.toThrow('`initialThreshold`');
    });
  });

  it('refuses a checkpoint that another training has replaced', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async (first) => {
      first.append(PREDICTIONS);
      await first.checkpoint.saveCheckpoint(0);
      await first.checkpoint.loadCheckpoint();
      await withCheckpoint({ filepath }, async (second) => {
        trainStep(second.model, second.optimizer, 1);
        second.append(PREDICTIONS);
        await second.checkpoint.saveCheckpoint(0);
      });
      const before = weightValues(first.model);
      await expect(first.checkpoint.loadCheckpoint()).rejects.toThrow(codeOf('ENTROPY_CHECKPOINT_REPLACED'));
      expect(weightValues(first.model)).toEqual(before);
    });
  });

  it('does not load what an earlier run left in the folder', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
    });
    await withCheckpoint({ filepath }, async ({ checkpoint }) => {
      await expect(checkpoint.loadCheckpoint()).rejects.toThrow(codeOf('ENTROPY_NO_BEST'));
    });
  });
});

describe('a metric as the monitor', () => {
  it('is compared as a number, without any predictions', async () => {
    await withCheckpoint({ filepath: null, monitor: 'val_loss' }, async ({ checkpoint }) => {
      const saved: boolean[] = [];
      for (const [epoch, val_loss] of [0.9, 0.7, 0.8].entries()) {
        saved.push(await checkpoint.saveCheckpoint(epoch, { val_loss, other: 1 }));
      }
      expect(saved).toEqual([true, true, false]);
      expect(checkpoint.best).toEqual({
        epoch: 1,
        fit: 0,
        entropy: null,
        trainEntropy: null,
        valEntropy: null,
        value: 0.7,
        isBest: true,
        logs: { val_loss: 0.7, other: 1 },
      });
    });
  });

  it.each(['float32', 'int32'] as const)(
    'is compared as a %s scalar, which the caller keeps',
    async (dtype) => {
      await withCheckpoint({ filepath: null, monitor: 'val_acc' }, async ({ checkpoint, append }) => {
        const saved: boolean[] = [];
        for (const [epoch, value] of [3, 5, 4].entries()) {
          append(PREDICTIONS);
          const val_acc = tf.scalar(value, dtype);
          saved.push(await checkpoint.saveCheckpoint(epoch, { val_acc }));
          expect(val_acc.isDisposed).toBe(false);
          val_acc.dispose();
        }
        expect(saved).toEqual([true, true, false]);
        expect(checkpoint.history.map(({ value }) => value)).toEqual([3, 5, 4]);
        expect(checkpoint.best?.entropy).toBeCloseTo(mean(ENTROPIES), 6);
      });
    },
  );

  it('is read together with the entropies, in one device read', async () => {
    await withCheckpoint({ filepath: null, monitor: 'val_acc' }, async ({ checkpoint, append }) => {
      const val_acc = tf.scalar(0.5);
      append(PREDICTIONS);
      append(PREDICTIONS, 'val');
      const read = jest.spyOn(tf.engine(), 'read');
      const readSync = jest.spyOn(tf.engine(), 'readSync');
      await checkpoint.saveCheckpoint(0, { val_acc });
      expect(read.mock.calls.length + readSync.mock.calls.length).toBe(1);
      val_acc.dispose();
    });
  });

  test('of NaN is recorded but never the best', async () => {
    await withCheckpoint({ filepath: null, monitor: 'val_loss' }, async ({ checkpoint }) => {
      expect(await checkpoint.saveCheckpoint(0, { val_loss: NaN })).toBe(false);
      expect(await checkpoint.saveCheckpoint(1, { val_loss: 2 })).toBe(true);
      expect(checkpoint.history[0]?.value).toBeNaN();
    });
  });

  test('that is missing from the logs is refused, and the error lists the logs', async () => {
    await withCheckpoint({ filepath: null, monitor: 'val_acc' }, async ({ checkpoint }) => {
      await expect(checkpoint.saveCheckpoint(0)).rejects.toThrow(codeOf('ENTROPY_UNKNOWN_MONITOR'));
      await expect(checkpoint.saveCheckpoint(0, { loss: 1, acc: 0.5 })).rejects.toThrow(
        "(loss, acc), got 'val_acc'. Add it to `logs` as a number or a scalar before the epoch ends.",
      );
      expect(checkpoint.history).toEqual([]);
    });
  });

  it('needs no class output', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel('linear');
      const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null, monitor: 'val_loss' });
      expect(await checkpoint.saveCheckpoint(0, { val_loss: 1 })).toBe(true);
      checkpoint.dispose();
      model.dispose();
    });
  });

  it('makes appendOutput refuse an output that could be logits or probabilities', async () => {
    await expectNoTensorsLeft(() => {
      const model = makeModel('linear');
      const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null, monitor: 'val_loss' });
      const output = tf.tensor2d(PREDICTIONS);
      expect(() => {
        checkpoint.appendOutput(output);
      }).toThrow(
        expect.objectContaining({
          code: 'ENTROPY_AMBIGUOUS_OUTPUT',
          message: expect.stringContaining('`fromLogits: true`'),
        }),
      );
      tf.dispose(output);
      checkpoint.dispose();
      model.dispose();
    });
  });
});

describe('saveCheckpoint: errors', () => {
  it.each([-1, 0.5, NaN, Infinity, '0', null, undefined])('refuses the epoch %p', async (epoch) => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await expect(checkpoint.saveCheckpoint(epoch as number)).rejects.toThrow(
        expect.objectContaining({
          code: 'ENTROPY_INVALID_ARGUMENT',
          message: expect.stringContaining('`epoch` to be an integer from 0 up, got '),
        }),
      );
      expect(checkpoint.history).toEqual([]);
    });
  });

  it.each([
    ['entropy', null, 'train or val'],
    ['train_entropy', 'val', 'train'],
    ['val_entropy', 'train', 'val'],
  ] as const)('refuses the monitor %s if only %s was appended', async (monitor, phase, missing) => {
    await withCheckpoint({ filepath: null, monitor }, async ({ checkpoint, append }) => {
      if (phase !== null) append(PREDICTIONS, phase);
      await expect(checkpoint.saveCheckpoint(0)).rejects.toThrow(
        expect.objectContaining({
          code: 'ENTROPY_NO_PREDICTIONS',
          message: expect.stringContaining(`got no row of ${missing}.`),
        }),
      );
    });
  });

  it('does not reject when the store fails: the best stays in memory, and flush tries again', async () => {
    const store = new FragileStore();
    await withCheckpoint({ filepath: store }, async ({ model, optimizer, checkpoint, append }) => {
      append([PREDICTIONS[2]!]);
      await checkpoint.saveCheckpoint(0);
      await checkpoint.flush();
      trainStep(model, optimizer, 1);
      store.fails = true;
      append([PREDICTIONS[1]!]);
      expect(await checkpoint.saveCheckpoint(1)).toBe(true);
      const best = weightValues(model);
      await expect(checkpoint.flush()).rejects.toThrow('disk full');
      trainStep(model, optimizer, 2);
      append([PREDICTIONS[3]!]);
      expect(await checkpoint.saveCheckpoint(2)).toBe(false);
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(1);
      expect(weightValues(model)).toEqual(best);
      expect(await storedEpochs(store)).toEqual({ best: 0 });
      await expect(checkpoint.flush()).rejects.toThrow('disk full');
      store.fails = false;
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 1 });
    });
  });

  it("refuses a folder with the user's own model, which stays as it is", async () => {
    const filepath = join(tempFolder(), 'best');
    mkdirSync(filepath);
    writeFileSync(join(filepath, 'model.json'), '{"modelTopology": {}}');
    await withCheckpoint({ filepath }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await expect(checkpoint.saveCheckpoint(0)).rejects.toThrow(codeOf('ENTROPY_NOT_A_CHECKPOINT'));
    });
    expect(readFileSync(join(filepath, 'model.json'), 'utf8')).toBe('{"modelTopology": {}}');
  });
});

describe('the constructor', () => {
  type Construct = [tf.LayersModel, (tf.Optimizer | undefined)?, EntropyCheckpointOptions?];
  const refused = async (make: () => Construct, code: string, text: string): Promise<void> => {
    await expectNoTensorsLeft(() => {
      const [model, ...rest] = make();
      expect(() => new EntropyCheckpoint(model, ...rest)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
      model.dispose();
    });
  };
  const twoOutputs = (...losses: unknown[]): tf.LayersModel => {
    const input = tf.input({ shape: [NUM_FEATURES] });
    const outputs = [
      seededDense(3, 1, { name: 'probs', activation: 'softmax' }),
      seededDense(3, 2, { name: 'scores' }),
    ].map((layer) => layer.apply(input) as tf.SymbolicTensor);
    const model = tf.model({ inputs: input, outputs });
    if (losses.length > 0) model.compile({ optimizer: 'sgd', loss: losses as string[] });
    return model;
  };

  it('refuses a linear model that is not compiled', async () => {
    await refused(() => [makeModel('linear')], 'ENTROPY_AMBIGUOUS_OUTPUT', '`fromLogits: true`');
  });

  it('refuses a model in which only some outputs hold logits', async () => {
    const make = (): Construct => [twoOutputs('categoricalCrossentropy', tf.losses.softmaxCrossEntropy)];
    await refused(make, 'ENTROPY_AMBIGUOUS_OUTPUT', '`outputs`');
  });

  it('refuses a regression model', async () => {
    const make = (): Construct => {
      const model = makeModel('linear');
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return [model];
    };
    await refused(make, 'ENTROPY_NO_CLASS_OUTPUT', "'val_loss'");
  });

  it.each(['auto', true, false] as const)(
    'refuses a name that no output has, with fromLogits %p',
    async (fromLogits) => {
      const make = (): Construct => [twoOutputs(), undefined, { fromLogits, outputs: ['nope'] }];
      await refused(make, 'ENTROPY_INVALID_OPTION', 'got "nope"');
    },
  );

  it('refuses a topK above the number of classes', async () => {
    await refused(() => [makeModel(), undefined, { topK: 5 }], 'ENTROPY_INVALID_OPTION', '`topK`');
  });

  it('refuses a Sequential without layers', async () => {
    await refused(() => [tf.sequential()], 'ENTROPY_UNSUPPORTED_MODEL', 'without layers');
  });

  it('accepts such a model if `outputs` names outputs of one kind', async () => {
    await expectNoTensorsLeft(async () => {
      const model = twoOutputs('categoricalCrossentropy', tf.losses.softmaxCrossEntropy);
      const output = tf.tensor2d([[0.7, 0.2, 0.1]]);
      const entropies: (number | null | undefined)[] = [];
      for (const outputs of [['probs'], ['scores']]) {
        const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null, outputs });
        checkpoint.appendOutput(output);
        await checkpoint.saveCheckpoint(0);
        entropies.push(checkpoint.best?.entropy);
        checkpoint.dispose();
      }
      expect(entropies[0]).toBeCloseTo(entropyOfProbabilities([0.7, 0.2, 0.1]), 6);
      expect(entropies[1]).toBeCloseTo(entropyOfProbabilities(softmax64([0.7, 0.2, 0.1])), 6);
      output.dispose();
      model.dispose();
    });
  });

  it('accepts a linear model if fromLogits is set', async () => {
    await expectNoTensorsLeft(() => {
      const model = makeModel('linear');
      new EntropyCheckpoint(model, undefined, { filepath: null, fromLogits: true }).dispose();
      model.dispose();
    });
  });

  it('refuses an invalid option', async () => {
    await expectNoTensorsLeft(() => {
      const model = makeModel();
      expect(() => new EntropyCheckpoint(model, undefined, { topK: 0 })).toThrow(
        codeOf('ENTROPY_INVALID_OPTION'),
      );
      model.dispose();
    });
  });
});

describe('resume', () => {
  it('restores weights, optimizer, best and history in a new instance', async () => {
    const filepath = join(tempFolder(), 'best');
    const steps = [5, 6, 7];
    let reference: number[][] = [];
    let history: readonly EpochRecord[] = [];
    await withCheckpoint({ filepath }, async ({ model, optimizer, checkpoint, append }) => {
      for (const [epoch, i] of [3, 4, 1].entries()) {
        trainStep(model, optimizer, epoch);
        append([PREDICTIONS[i]!]);
        await checkpoint.saveCheckpoint(epoch);
      }
      ({ history } = checkpoint);
      for (const seed of steps) trainStep(model, optimizer, seed);
      reference = weightValues(model);
    });
    await withCheckpoint({ filepath }, async ({ model, optimizer, checkpoint, append }) => {
      expect(await checkpoint.resume()).toEqual({ initialEpoch: 3, initialBatch: 0 });
      expect(checkpoint.history).toEqual(history);
      expect(checkpoint.best).toEqual(history[2]);
      for (const seed of steps) trainStep(model, optimizer, seed);
      expect(weightValues(model)).toEqual(reference);

      append([PREDICTIONS[2]!]);
      expect(await checkpoint.saveCheckpoint(3)).toBe(false);
      await checkpoint.flush();
      expect(storedEpoch(filepath)).toBe(2);
      append([PREDICTIONS[0]!]);
      expect(await checkpoint.saveCheckpoint(4)).toBe(true);
      await checkpoint.flush();
      expect(storedEpoch(filepath)).toBe(4);
    });
  });

  it('keeps the earlier best epoch if no better one follows', async () => {
    const filepath = join(tempFolder(), 'best');
    let best: number[][] = [];
    await withCheckpoint({ filepath }, async ({ model, checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      best = weightValues(model);
    });
    await withCheckpoint({ filepath }, async ({ model, optimizer, checkpoint }) => {
      trainStep(model, optimizer, 1);
      await checkpoint.resume();
      trainStep(model, optimizer, 2);
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(0);
      expect(weightValues(model)).toEqual(best);
    });
  });

  it.each(['a folder', 'memory'])('returns epoch 0 if nothing is stored in %s', async (location) => {
    const filepath = location === 'memory' ? null : join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ model, checkpoint }) => {
      const before = weightValues(model);
      expect(await checkpoint.resume()).toEqual({ initialEpoch: 0, initialBatch: 0 });
      expect({ history: checkpoint.history, best: checkpoint.best }).toEqual({ history: [], best: null });
      expect(weightValues(model)).toEqual(before);
    });
    expect(readdirSync(tempFolder())).toEqual([]);
  });

  it('is refused after training', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      await expect(checkpoint.resume()).rejects.toThrow(codeOf('ENTROPY_INVALID_STATE'));
    });
  });

  it('refuses epochs that another monitor selected', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
    });
    await withCheckpoint({ filepath, monitor: 'train_entropy' }, async ({ model, optimizer, checkpoint }) => {
      trainStep(model, optimizer, 1);
      const before = weightValues(model);
      await expect(checkpoint.resume()).rejects.toThrow("`monitor: 'entropy', mode: 'max'`");
      expect(weightValues(model)).toEqual(before);
    });
  });
});

describe('two instances on one folder', () => {
  const withBoth = async (body: (first: Parts, second: Parts) => Promise<void>): Promise<void> => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, (first) =>
      withCheckpoint({ filepath }, async (second) => {
        first.append(PREDICTIONS);
        await first.checkpoint.saveCheckpoint(0);
        second.append(PREDICTIONS);
        await expect(second.checkpoint.saveCheckpoint(0)).rejects.toThrow(codeOf('ENTROPY_STORE_IN_USE'));
        await body(first, second);
      }),
    );
  };

  test('the second is refused while the first trains, also after its next epoch', async () => {
    await withBoth(async (first, second) => {
      first.append(PREDICTIONS);
      await first.checkpoint.saveCheckpoint(1);
      await expect(second.checkpoint.saveCheckpoint(0)).rejects.toThrow(codeOf('ENTROPY_STORE_IN_USE'));
    });
  });

  test.each([
    [
      'dispose',
      (checkpoint: EntropyCheckpoint) => {
        checkpoint.dispose();
      },
    ],
    ['loadCheckpoint', (checkpoint: EntropyCheckpoint) => checkpoint.loadCheckpoint()],
  ] as const)('the second can train once the first has ended with %s', async (_, end) => {
    await withBoth(async (first, second) => {
      await end(first.checkpoint);
      expect(await second.checkpoint.saveCheckpoint(0)).toBe(true);
      expect(second.checkpoint.best?.entropy).toBeCloseTo(mean(ENTROPIES), 6);
    });
  });

  test('the first can train on after loadCheckpoint if no other has begun', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ checkpoint, append }) => {
      append([PREDICTIONS[3]!]);
      await checkpoint.saveCheckpoint(0);
      await checkpoint.loadCheckpoint();
      append([PREDICTIONS[1]!]);
      expect(await checkpoint.saveCheckpoint(1)).toBe(true);
      await checkpoint.flush();
      expect(storedEpoch(filepath)).toBe(1);
    });
  });
});

describe('onBest', () => {
  it('is awaited, gets the record of each best epoch, and can wait until that is stored', async () => {
    const filepath = join(tempFolder(), 'best');
    const called: { record: EpochRecord; stored: number }[] = [];
    let flush = (): Promise<void> => Promise.resolve();
    const onBest = async (record: EpochRecord): Promise<void> => {
      await flush();
      called.push({ record, stored: storedEpoch(filepath) });
    };
    await withCheckpoint({ filepath, onBest }, async ({ checkpoint, append }) => {
      flush = () => checkpoint.flush();
      for (const [epoch, i] of [3, 4, 1].entries()) {
        append([PREDICTIONS[i]!]);
        await checkpoint.saveCheckpoint(epoch);
      }
      const [first, , third] = checkpoint.history;
      expect(called).toEqual([
        { record: first, stored: 0 },
        { record: third, stored: 2 },
      ]);
    });
  });

  test('that throws makes saveCheckpoint reject, but the epoch is still the best', async () => {
    const onBest = (): void => {
      throw new Error('thrown by the test');
    };
    await withCheckpoint({ filepath: null, onBest }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await expect(checkpoint.saveCheckpoint(0)).rejects.toThrow('thrown by the test');
      expect(checkpoint.best?.epoch).toBe(0);
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(0);
    });
  });
});

describe('verbose', () => {
  test('1 prints one line for each save', async () => {
    const log = jest.spyOn(console, 'log').mockReturnValue(undefined);
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath, verbose: 1 }, async ({ checkpoint, append }) => {
      for (const [epoch, i] of [3, 4, 1].entries()) {
        append([PREDICTIONS[i]!]);
        await checkpoint.saveCheckpoint(epoch);
        await checkpoint.flush();
      }
    });
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^\[entropy-checkpoint\] epoch 0: entropy 0\.\d+ is the best so far, saved to /);
    expect(lines[0]).toContain(filepath);
    expect(lines[1]).toContain(`epoch 2: entropy ${ENTROPIES[1]!.toPrecision(4)}`);
  });

  test('0 prints nothing', async () => {
    const log = jest.spyOn(console, 'log').mockReturnValue(undefined);
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
    });
    expect(log).not.toHaveBeenCalled();
  });
});

describe('flush', () => {
  it('resolves if nothing was saved', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint }) => {
      await expect(checkpoint.flush()).resolves.toBeUndefined();
    });
  });

  it('waits for a save that was not awaited', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ checkpoint, append }) => {
      append([PREDICTIONS[2]!]);
      await checkpoint.saveCheckpoint(0);
      append([PREDICTIONS[1]!]);
      const saving = checkpoint.saveCheckpoint(1);
      await checkpoint.flush();
      expect(storedEpoch(filepath)).toBe(1);
      await saving;
    });
  });
});

describe('dispose', () => {
  test('during a save leaves no tensor once the save has ended', async () => {
    await withCheckpoint({ filepath: null }, async ({ checkpoint, append }) => {
      append(PREDICTIONS);
      const saving = checkpoint.saveCheckpoint(0);
      checkpoint.dispose();
      await saving;
    });
  });

  it('frees what is held in memory and what was appended, and can be called twice', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const optimizer = tf.train.adam();
      trainStep(model, optimizer, 1);
      const output = tf.tensor2d(PREDICTIONS);
      const before = tf.memory();
      const checkpoint = new EntropyCheckpoint(model, optimizer, { filepath: null });
      checkpoint.appendOutput(output);
      await checkpoint.saveCheckpoint(0);
      checkpoint.appendOutput(output);
      checkpoint.appendOutput(output, 'val');
      expect(tf.memory().numTensors).toBeGreaterThan(before.numTensors + 10);
      checkpoint.dispose();
      checkpoint.dispose();
      const { numTensors, numDataBuffers } = tf.memory();
      expect({ numTensors, numDataBuffers }).toEqual({
        numTensors: before.numTensors,
        numDataBuffers: before.numDataBuffers,
      });
      await expect(checkpoint.loadCheckpoint()).rejects.toThrow(codeOf('ENTROPY_NO_BEST'));
      tf.dispose(output);
      optimizer.dispose();
      model.dispose();
    });
  });

  it('disposes neither model nor optimizer', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const optimizer = tf.train.adam();
      const checkpoint = new EntropyCheckpoint(model, optimizer, { filepath: null });
      const output = tf.tensor2d(PREDICTIONS);
      checkpoint.appendOutput(output);
      await checkpoint.saveCheckpoint(0);
      checkpoint.dispose();
      const before = weightValues(model);
      trainStep(model, optimizer, 1);
      expect(weightValues(model)).not.toEqual(before);
      output.dispose();
      optimizer.dispose();
      model.dispose();
    });
  });

  it('keeps what is stored, which can still be loaded', async () => {
    const filepath = join(tempFolder(), 'best');
    await withCheckpoint({ filepath }, async ({ model, optimizer, checkpoint, append }) => {
      append(PREDICTIONS);
      await checkpoint.saveCheckpoint(0);
      const best = weightValues(model);
      checkpoint.dispose();
      await checkpoint.flush();
      expect(existsSync(join(filepath, 'model.json'))).toBe(true);
      trainStep(model, optimizer, 1);
      await checkpoint.loadCheckpoint();
      expect(weightValues(model)).toEqual(best);
    });
  });
});

test('the store is opened with the first epoch and closed at the end, not in between', async () => {
  const store = new FragileStore();
  await withCheckpoint({ filepath: store }, async ({ checkpoint, append }) => {
    expect(store.calls).toEqual([]);
    for (const [epoch, i] of [3, 1].entries()) {
      append([PREDICTIONS[i]!]);
      await checkpoint.saveCheckpoint(epoch);
      await checkpoint.flush();
    }
    expect(store.calls).toEqual(['open', 'save', 'save']);
    await checkpoint.loadCheckpoint();
    expect(store.calls).toEqual(['open', 'save', 'save', 'close']);
  });
});

test('a loop that continues after `loadCheckpoint` opens its store again', async () => {
  const store = new FragileStore();
  await withCheckpoint({ filepath: store }, async ({ checkpoint, append }) => {
    append([PREDICTIONS[3]!]);
    await checkpoint.saveCheckpoint(0);
    await checkpoint.loadCheckpoint();
    append([PREDICTIONS[1]!]);
    await checkpoint.saveCheckpoint(1);
    await checkpoint.flush();
    expect([...store.calls].sort()).toEqual(['close', 'open', 'open', 'save', 'save']);
    expect(await storedEpochs(store)).toEqual({ best: 1 });
  });
});

test('a loop that continues after `dispose` runs without checkpoints, and says so once', async () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const store = new FragileStore();
  await withCheckpoint({ filepath: store }, async ({ checkpoint, append }) => {
    append([PREDICTIONS[3]!]);
    await checkpoint.saveCheckpoint(0);
    await checkpoint.flush();
    checkpoint.dispose();
    const { numTensors } = tf.memory();
    append([PREDICTIONS[1]!]);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(await checkpoint.saveCheckpoint(1)).toBe(false);
    await checkpoint.flush();
    expect(checkpoint.history).toHaveLength(1);
    expect(await storedEpochs(store)).toEqual({ best: 0 });
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/was disposed.*Make a new instance/)]);
    await expect(checkpoint.resume()).rejects.toThrow(codeOf('ENTROPY_INVALID_STATE'));
  });
});

test('a best epoch does not stay in memory once it is stored', async () => {
  await withCheckpoint({ filepath: new FragileStore() }, async ({ model, optimizer, checkpoint, append }) => {
    trainStep(model, optimizer, 1);
    const before = tf.memory().numTensors;
    append(PREDICTIONS);
    await checkpoint.saveCheckpoint(0);
    await checkpoint.flush();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('the best epoch is loaded from memory with restoreBestWeights', async () => {
  const store = new FragileStore();
  const load = jest.spyOn(store, 'load');
  await withCheckpoint({ filepath: store, restoreBestWeights: true }, async (parts) => {
    const { model, optimizer, checkpoint, append } = parts;
    append(PREDICTIONS);
    await checkpoint.saveCheckpoint(0);
    const best = weightValues(model);
    trainStep(model, optimizer, 1);
    await checkpoint.loadCheckpoint();
    expect(weightValues(model)).toEqual(best);
    expect(load).not.toHaveBeenCalled();
  });
});

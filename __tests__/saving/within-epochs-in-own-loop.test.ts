import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, MemoryStore, type EntropyCheckpointOptions } from '../../src/index.js';
import { OPTIMIZERS } from '../state/fixtures/optimizers.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { rejection } from '../support/errors.js';
import { useTempFolder } from '../support/fixtures.js';
import { BATCHES, loopFrom, makeNet, outcomeOf, type Outcome } from './fixtures/interrupted.js';

const own = countTensors();
const tempFolder = useTempFolder();

interface Trained extends Outcome {
  readonly initialEpoch: number;
  readonly initialBatch: number;
}

/** Trains from where a folder says to the end. After a batch, it copies what is stored to another folder. */
async function train(
  makeOptimizer: () => tf.Optimizer,
  options: EntropyCheckpointOptions & { filepath: string },
  copyAfter?: readonly [epoch: number, batch: number, to: string],
): Promise<Trained> {
  const model = own(makeNet(makeOptimizer()));
  const checkpoint = new EntropyCheckpoint(model, undefined, options);
  const position = await checkpoint.resume();
  const averages = options.averageWeights === true;
  await loopFrom(model, checkpoint, position, averages, async (epoch, batch) => {
    if (copyAfter?.[0] !== epoch || copyAfter[1] !== batch) return;
    await checkpoint.flush();
    cpSync(options.filepath, copyAfter[2], { recursive: true });
  });
  const outcome = await outcomeOf(model, checkpoint);
  checkpoint.dispose();
  return { ...outcome, ...position };
}

describe('a custom training loop that is killed within an epoch and resumed there is, bit for bit, one that was not', () => {
  test.each([
    ['adam', 'entropy', false, 0, 2],
    ['adam', 'consensus', true, 2, 3],
    ['momentum', 'label_wave', true, 1, 0],
    ['adamax', 'consensus', false, 3, 5],
    ['rmsprop', 'entropy', true, 2, BATCHES - 1],
  ] as const)(
    '%s, %s, averageWeights: %s, after epoch %i, batch %i',
    async (name, monitor, averageWeights, epoch, batch) => {
      const options = { monitor, averageWeights, saveLast: { everyBatches: 1 } } as const;
      const [run, copy] = [join(tempFolder(), 'run'), join(tempFolder(), 'copy')];
      const whole = await train(OPTIMIZERS[name]!, { ...options, filepath: run }, [epoch, batch, copy]);
      const resumed = await train(OPTIMIZERS[name]!, { ...options, filepath: copy });
      expect(resumed).toEqual({ ...whole, initialEpoch: epoch, initialBatch: batch + 1 });
    },
  );
});

describe('endBatch', () => {
  const predictions = (): tf.Tensor => own(tf.tensor2d([[0.2, 0.3, 0.5]]));

  function make(options: EntropyCheckpointOptions): EntropyCheckpoint {
    const model = own(makeNet(tf.train.sgd(0.1)));
    return new EntropyCheckpoint(model, undefined, { filepath: new MemoryStore(), ...options });
  }

  test('keeps nothing without these options', async () => {
    const store = new MemoryStore();
    const checkpoint = make({ filepath: store, saveLast: true });
    checkpoint.appendOutput(predictions());
    await checkpoint.endBatch(0, 0);
    await checkpoint.flush();
    expect(await store.slots()).toEqual([]);
    expect(checkpoint.isStopped).toBe(false);
    checkpoint.dispose();
  });

  test('is refused after validation outputs of the same epoch', async () => {
    const checkpoint = make({ saveLast: { everyBatches: 100 } });
    checkpoint.appendOutput(predictions());
    await checkpoint.endBatch(0, 0);
    checkpoint.appendOutput(predictions(), 'val');
    const error = await rejection(checkpoint.endBatch(0, 1));
    expect([error.code, error.message]).toEqual([
      'ENTROPY_INVALID_STATE',
      expect.stringMatching(/after the last one/),
    ]);
    checkpoint.dispose();
  });

  test.each([
    [-1, 0],
    [0, 1.5],
    [undefined, 0],
    [0, '3'],
  ])('refuses epoch %p and batch %p', async (epoch, batch) => {
    const checkpoint = make({ saveLast: { everyBatches: 1 } });
    const error = await rejection(checkpoint.endBatch(epoch!, batch as number));
    expect(error.code).toBe('ENTROPY_INVALID_ARGUMENT');
    checkpoint.dispose();
  });

  test('reads nothing from the device unless a state is due', async () => {
    const checkpoint = make({ saveLast: { everyBatches: 1000 } });
    checkpoint.appendOutput(predictions());
    const reads = [jest.spyOn(tf.Tensor.prototype, 'data'), jest.spyOn(tf.Tensor.prototype, 'dataSync')];
    for (let batch = 0; batch < 20; batch++) await checkpoint.endBatch(0, batch);
    for (const read of reads) {
      expect(read).not.toHaveBeenCalled();
      read.mockRestore();
    }
    checkpoint.dispose();
  });

  test('resumed and not continued, it keeps no tensor after `dispose`, and `loadCheckpoint` drops the rest', async () => {
    const store = new MemoryStore();
    const first = make({ filepath: store, saveLast: { everyBatches: 1 } });
    first.appendOutput(predictions());
    await first.endBatch(0, 0);
    await first.flush();
    first.dispose();
    const second = make({ filepath: store, saveLast: { everyBatches: 1 } });
    expect(await second.resume()).toEqual({ initialEpoch: 0, initialBatch: 1 });
    const record = await second.loadCheckpoint({ epoch: 'last' });
    expect(record).toMatchObject({ epoch: 0, batches: 1, entropy: null, isBest: false });
    second.appendOutput(predictions());
    await second.saveCheckpoint(0);
    const third = make({ filepath: new MemoryStore(), saveLast: true });
    third.appendOutput(predictions());
    await third.saveCheckpoint(0);
    // Only the row that was appended after `loadCheckpoint` counts.
    expect(second.history).toEqual(third.history);
    await Promise.all([second.flush(), third.flush()]);
    second.dispose();
    third.dispose();
  });
});

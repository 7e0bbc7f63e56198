import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from 'tfjs-entropy-checkpoint';
import type { MemoryWay } from '../names.js';
import { collectGarbage } from './collect-garbage.js';
import { KeptOutputs } from './keep-outputs.js';

export interface PeakMemory {
  /** Largest sum of all tensors above that of before, in bytes. */
  readonly tensorBytes: number;
  /** Largest resident set of the process since it began, in bytes. */
  readonly processBytes: number;
  readonly timeMs: number;
}

/** Is shown the predictions of a batch, which a model would have made, and closes the epoch. */
interface Way {
  append(predictions: Float32Array, shape: [rows: number, numClasses: number]): void;
  close(): Promise<void>;
}

const BATCH_SIZE = 128;
const WARM_UP_ROWS = 200_000;
/** What is held is to decide, and not how long the engine lets garbage lie. */
const BATCHES_UNTIL_COLLECTED = 50;

/** One epoch of `rows` rows of probabilities without training. To be called once in a process. */
export async function peakMemory(name: MemoryWay, rows: number, numClasses: number): Promise<PeakMemory> {
  // Compiled code takes memory, and comes with the number of calls.
  await runEpoch(checkpointWay(2), WARM_UP_ROWS, await randomBatch(2));
  const batch = await randomBatch(numClasses);
  const startBytes = tf.memory().numBytes;
  const peak = watchPeak();
  const startMs = performance.now();
  await runEpoch(name === 'checkpoint' ? checkpointWay(numClasses) : keepingWay(), rows, batch);
  const timeMs = performance.now() - startMs;

  // It tells kibibytes. Only Node has it: this is the one part that is not run in a page.
  const processBytes = globalThis.process.resourceUsage().maxRSS * 1024;
  return { tensorBytes: peak() - startBytes, processBytes, timeMs };
}

/** @param batch `[BATCH_SIZE, numClasses]`, shown again and again. */
async function runEpoch(way: Way, rows: number, batch: Float32Array): Promise<void> {
  const numClasses = batch.length / BATCH_SIZE;
  for (let row = 0; row < rows; row += BATCH_SIZE) {
    const size = Math.min(BATCH_SIZE, rows - row);
    if (row % (BATCH_SIZE * BATCHES_UNTIL_COLLECTED) === 0) collectGarbage();
    way.append(batch.subarray(0, size * numClasses), [size, numClasses]);
  }
  await way.close();
}

function checkpointWay(numClasses: number): Way {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [1], units: numClasses, activation: 'softmax' })],
  });
  const checkpoint = new EntropyCheckpoint(model, tf.train.sgd(0.1), { filepath: null });
  return {
    append: (predictions, shape) => {
      // On cpu a tensor uses the array that it is made of: what is measured is not the making of batches.
      const output = tf.tensor2d(predictions, shape);
      checkpoint.appendOutput(output);
      output.dispose();
    },
    close: async () => {
      await checkpoint.saveCheckpoint(0);
    },
  };
}

function keepingWay(): Way {
  const kept = new KeptOutputs();
  return {
    append: (predictions, shape) => {
      // The outputs of one batch are not those of another.
      kept.append(tf.tensor2d(predictions.slice(), shape));
    },
    close: () => kept.closeEpoch(),
  };
}

async function randomBatch(numClasses: number): Promise<Float32Array> {
  const probabilities = tf.tidy(() =>
    tf.softmax(tf.randomNormal([BATCH_SIZE, numClasses], 0, 2, 'float32', 1)),
  );
  const values = await probabilities.data<'float32'>();
  probabilities.dispose();
  return values;
}

/** Sees every change of the engine's sum of bytes, also within an operation; gives the largest so far. */
function watchPeak(): () => number {
  const { state } = tf.engine();
  let bytes = state.numBytes;
  let peak = bytes;
  Object.defineProperty(state, 'numBytes', {
    get: () => bytes,
    set: (value: number) => {
      bytes = value;
      peak = Math.max(peak, value);
    },
  });
  return () => peak;
}

import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from 'tfjs-entropy-checkpoint';
import type { MemoryMethod } from '../names.js';
import { collectGarbage } from './collect-garbage.js';
import { KeptOutputs } from './kept-outputs.js';

export interface PeakMemory {
  /** The largest growth of the sum of all tensors, in bytes. */
  readonly tensorBytes: number;
  /** The largest resident set of the process since it started, in bytes. */
  readonly processBytes: number;
  readonly timeMs: number;
}

/** Takes the predictions of each batch, as from a model, and closes the epoch. */
interface Method {
  append(predictions: Float32Array, shape: [rows: number, numClasses: number]): void;
  close(): Promise<void>;
}

const BATCH_SIZE = 128;
const WARM_UP_ROWS = 200_000;
/** Collects garbage this often, so that the peak shows what is held and not when the engine collects. */
const BATCHES_UNTIL_COLLECTED = 50;

/** Runs one epoch of `rows` rows of probabilities, without training. Call it once in a process. */
export async function peakMemory(name: MemoryMethod, rows: number, numClasses: number): Promise<PeakMemory> {
  // Compiled code takes memory. The engine compiles after many calls.
  await runEpoch(checkpointMethod(2), WARM_UP_ROWS, await randomBatch(2));
  const batch = await randomBatch(numClasses);
  const startBytes = tf.memory().numBytes;
  const peak = watchPeak();
  const startMs = performance.now();
  await runEpoch(name === 'checkpoint' ? checkpointMethod(numClasses) : keepOutputsMethod(), rows, batch);
  const timeMs = performance.now() - startMs;

  // In kibibytes. Only Node has it, so this part does not run in a page.
  const processBytes = globalThis.process.resourceUsage().maxRSS * 1024;
  return { tensorBytes: peak() - startBytes, processBytes, timeMs };
}

/** @param batch `[BATCH_SIZE, numClasses]`, used for every batch. */
async function runEpoch(method: Method, rows: number, batch: Float32Array): Promise<void> {
  const numClasses = batch.length / BATCH_SIZE;
  for (let row = 0; row < rows; row += BATCH_SIZE) {
    const size = Math.min(BATCH_SIZE, rows - row);
    if (row % (BATCH_SIZE * BATCHES_UNTIL_COLLECTED) === 0) collectGarbage();
    method.append(batch.subarray(0, size * numClasses), [size, numClasses]);
  }
  await method.close();
}

function checkpointMethod(numClasses: number): Method {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [1], units: numClasses, activation: 'softmax' })],
  });
  const checkpoint = new EntropyCheckpoint(model, tf.train.sgd(0.1), { filepath: null });
  return {
    append: (predictions, shape) => {
      // On cpu, a tensor shares the array that it is created from, so that creating batches is not measured.
      const output = tf.tensor2d(predictions, shape);
      checkpoint.appendOutput(output);
      output.dispose();
    },
    close: async () => {
      await checkpoint.saveCheckpoint(0);
    },
  };
}

function keepOutputsMethod(): Method {
  const kept = new KeptOutputs();
  return {
    append: (predictions, shape) => {
      // A copy, because a real model returns new outputs for every batch.
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

/** Watches the engine's sum of bytes, within operations as well. @returns a function that returns the peak so far. */
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

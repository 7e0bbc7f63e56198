import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import '../../src/entropy/all-kernels.js';
import { addToConsensus, composedConsensus } from '../../src/scoring/consensus-kernels.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

const DECAY = 0.7;

/** Probabilities of rows: of the first row, two classes have the largest one. */
function rowsOf(numRows: number, numClasses: number, seed: number): tf.Tensor2D {
  return tf.tidy(() => {
    const logits = tf.randomNormal([numRows, numClasses], 0, 2, 'float32', seed);
    const tied = tf.oneHot(tf.tensor1d([numClasses - 2], 'int32'), numClasses);
    const first = tf.add(tied, tf.oneHot(tf.tensor1d([numClasses - 1], 'int32'), numClasses));
    const rest = tf.slice(logits, [1, 0], [numRows - 1, numClasses]);
    return tf.softmax(tf.concat([tf.mul(first, 5), rest], 0)) as tf.Tensor2D;
  });
}

async function valuesOf(tensors: readonly (tf.Tensor | null)[]): Promise<number[][]> {
  const read = await Promise.all(
    tensors.map(async (tensor) => [...((await tensor?.data<'float32'>()) ?? [])]),
  );
  tf.dispose(tensors.filter((tensor) => tensor !== null));
  return read;
}

describe.each(['cpu', 'wasm'])('the consensus on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test.each([
    [2, 2, 0],
    [9, 2, 4],
    [7, 5, 0],
    [7, 5, 10],
    [3, 1000, 3000],
  ])('of %i rows of %i classes is, in one kernel, that of operations', async (numRows, numClasses, start) => {
    await expectNoTensorsLeft(async () => {
      const probabilities = rowsOf(numRows, numClasses, 1);
      const [before, other] = [rowsOf(numRows, numClasses, 2), rowsOf(20, numClasses, 3)];
      const reference = tf.tidy(() => tf.concat1d([other.flatten().slice([0], [start]), before.flatten()]));
      const means = tf.randomUniform<tf.Rank.R1>([numClasses + 1], 0, 1, 'float32', 4);
      for (const inputs of [
        { probabilities },
        { probabilities, reference },
        { probabilities, reference, means },
        { probabilities, means },
      ]) {
        const attrs = { start, decay: DECAY, share: 'means' in inputs ? 0.25 : 1 };
        const { consensus, means: moved, changed } = addToConsensus(inputs, attrs);
        const fused = await valuesOf([consensus, moved, changed]);
        const composed = await valuesOf(composedConsensus(inputs, attrs));
        for (const [i, values] of composed.entries()) {
          expect(fused[i]).toHaveLength(values.length);
          for (const [j, value] of values.entries()) expect(fused[i]![j]).toBeCloseTo(value, 5);
        }
        expect(changed !== null).toBe('reference' in inputs);
      }
      tf.dispose([probabilities, before, other, reference, means]);
    });
  });
});

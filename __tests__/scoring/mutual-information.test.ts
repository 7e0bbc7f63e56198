import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { addToConsensus } from '../../src/scoring/consensus-kernels.js';
import { MutualInformation } from '../../src/scoring/mutual-information.js';
import { DEVICE } from '../support/device-backend.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { information64 } from '../support/information64.js';

/** Appends the rows in batches of these sizes. */
function appendRows(
  information: MutualInformation,
  rows: readonly number[][],
  sizes: readonly number[],
): void {
  let start = 0;
  for (const size of sizes) {
    const batch = tf.tensor2d(rows.slice(start, start + size));
    const { means } = information;
    const inputs = { probabilities: batch, ...(means === null ? {} : { means }) };
    const attrs = { start: 0, decay: 0.7, share: information.shareOf(size) };
    const step = addToConsensus(inputs, attrs);
    information.advance(step.means, size);
    step.consensus.dispose();
    batch.dispose();
    start += size;
  }
}

async function read(information: MutualInformation): Promise<number | null> {
  const share = information.detach();
  if (share === null) return null;
  const [value] = await share.data();
  share.dispose();
  return value!;
}

async function randomRows(rows: number, numClasses: number, scale: number): Promise<number[][]> {
  const probabilities = tf.tidy(() =>
    tf.softmax<tf.Tensor2D>(
      tf.mul(tf.randomNormal<tf.Rank.R2>([rows, numClasses], 0, 1, 'float32', 3), scale),
    ),
  );
  const values = await probabilities.array();
  probabilities.dispose();
  return values;
}

describe.each(['cpu', 'wasm', DEVICE])('MutualInformation on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test.each([
    [2, 1],
    [5, 0.1],
    [5, 4],
    [300, 2],
  ])('agrees with float64 for %i classes and logits times %d', async (numClasses, scale) => {
    await expectNoTensorsLeft(async () => {
      const information = new MutualInformation();
      const rows = await randomRows(37, numClasses, scale);
      appendRows(information, rows, [16, 16, 5]);
      const expected = information64(rows);
      expect(expected).toBeGreaterThan(0);
      expect(await read(information)).toBeCloseTo(expected, 5);
    });
  });

  test('is 0 if all rows have the same prediction, and 1 if each class is certain of its rows', async () => {
    await expectNoTensorsLeft(async () => {
      const information = new MutualInformation();
      appendRows(information, Array<number[]>(8).fill([0.7, 0.2, 0.1]), [4, 4]);
      expect(await read(information)).toBeCloseTo(0, 6);
      appendRows(
        information,
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
        [2, 1],
      );
      expect(await read(information)).toBeCloseTo(1, 6);
    });
  });

  test('does not count rows before a reset, and is null without rows', async () => {
    await expectNoTensorsLeft(async () => {
      const information = new MutualInformation();
      appendRows(information, [[1, 0]], [1]);
      information.reset();
      expect(await read(information)).toBeNull();
      appendRows(information, [[0.5, 0.5]], [1]);
      expect(await read(information)).toBeCloseTo(0, 6);
    });
  });
});

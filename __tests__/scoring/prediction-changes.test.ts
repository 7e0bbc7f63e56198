import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { PredictionChanges, type DetachedChanges } from '../../src/scoring/prediction-changes.js';
import { changes64, type ComparesWith } from '../support/changes64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

const KINDS: ComparesWith[] = ['previous', 'consensus'];
const MANY = 1000;

/** Reads the share of rows that have changed, and disposes everything. */
async function shareOf({ mean, information }: DetachedChanges): Promise<number | null> {
  information?.dispose();
  if (mean === null) return null;
  const parts = Array.from(await mean.parts.data<'float32'>());
  mean.parts.dispose();
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Appends the rows of an epoch in batches of these sizes. */
function appendRows(
  changes: PredictionChanges,
  rows: tf.Tensor2D,
  sizes: number[],
  fromLogits = false,
): void {
  let start = 0;
  for (const size of sizes) {
    const batch = tf.slice2d(rows, [start, 0], [size, -1]);
    changes.append(batch, fromLogits);
    batch.dispose();
    start += size;
  }
}

const expectClose = (got: (number | null)[], expected: (number | null)[]): void => {
  expect(got.map((share) => share === null)).toEqual(expected.map((share) => share === null));
  for (const [i, share] of got.entries()) expect(share ?? 0).toBeCloseTo(expected[i] ?? 0, 6);
};

describe.each(['cpu', 'wasm'])('PredictionChanges on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each(KINDS)('the changes from the %s', (kind) => {
    test.each([
      ['probabilities', 5, false],
      ['logits', 5, true],
      ['a single logit', 1, true],
    ])('agree with float64 for %s', async (_, units, fromLogits) => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, MANY);
        const [epochs, shares] = [[] as number[][][], [] as (number | null)[]];
        for (let epoch = 0; epoch < 5; epoch++) {
          const logits = tf.randomNormal<tf.Rank.R2>([37, units], 0, 1, 'float32', 7 + epoch);
          const probabilities = tf.tidy(() =>
            tf.softmax(units === 1 ? tf.concat([logits, tf.zerosLike(logits)], 1) : logits),
          );
          epochs.push(await probabilities.array());
          appendRows(changes, fromLogits ? logits : probabilities, [16, 16, 5], fromLogits);
          shares.push(await shareOf(changes.detach()));
          tf.dispose([logits, probabilities]);
        }
        expectClose(shares, changes64(epochs, kind));
        expect(new Set(shares).size).toBeGreaterThan(3);
        changes.dispose();
      });
    });

    test('remember at most maxRows rows', async () => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, 20);
        const first = tf.tensor2d([
          ...Array<number[]>(20).fill([0.9, 0.1]),
          ...Array<number[]>(17).fill([0.1, 0.9]),
        ]);
        const second = tf.tensor2d([
          ...Array<number[]>(5).fill([0.1, 0.9]),
          ...Array<number[]>(32).fill([0.9, 0.1]),
        ]);
        appendRows(changes, first, [16, 16, 5]);
        expect(await shareOf(changes.detach())).toBeNull();
        expect(changes.monitorState?.size).toBe(kind === 'previous' ? 20 : 40);
        appendRows(changes, second, [16, 16, 5]);
        expect(await shareOf(changes.detach())).toBeCloseTo(5 / 20, 6);
        tf.dispose([first, second]);
        changes.dispose();
      });
    });

    test.each([
      ['fewer', [16, 16]],
      ['more', [16, 16, 5, 3]],
    ])('are null for an epoch of %s rows, but not for the next one of that size', async (_, sizes) => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, MANY);
        const rows = tf.randomUniform<tf.Rank.R2>([40, 3]);
        appendRows(changes, rows, [16, 16, 5]);
        await shareOf(changes.detach());
        appendRows(changes, rows, sizes);
        expect(await shareOf(changes.detach())).toBeNull();
        appendRows(changes, rows, sizes);
        expect(await shareOf(changes.detach())).toBe(0);
        rows.dispose();
        changes.dispose();
      });
    });

    test('skip an epoch without validation', async () => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, MANY);
        const rows = tf.randomUniform<tf.Rank.R2>([8, 3]);
        appendRows(changes, rows, [8]);
        await shareOf(changes.detach());
        expect(await shareOf(changes.detach())).toBeNull();
        appendRows(changes, rows, [8]);
        expect(await shareOf(changes.detach())).toBe(0);
        rows.dispose();
        changes.dispose();
      });
    });

    test('continue from a restored monitor state', async () => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, MANY);
        const rows = tf.randomUniform<tf.Rank.R2>([8, 3]);
        appendRows(changes, rows, [8]);
        await shareOf(changes.detach());
        const resumed = new PredictionChanges({ comparesWith: kind }, MANY);
        resumed.restore(changes.monitorState!);
        changes.dispose();
        appendRows(resumed, rows, [8]);
        expect(await shareOf(resumed.detach())).toBe(0);
        rows.dispose();
        resumed.dispose();
      });
    });

    test('do not count rows before a reset', async () => {
      await expectNoTensorsLeft(async () => {
        const changes = new PredictionChanges({ comparesWith: kind }, MANY);
        const [rows, resetRows] = [tf.randomUniform<tf.Rank.R2>([8, 3], 0, 1, 'float32', 1), tf.ones([4, 3])];
        appendRows(changes, rows, [8]);
        await shareOf(changes.detach());
        appendRows(changes, resetRows as tf.Tensor2D, [4]);
        changes.reset();
        appendRows(changes, rows, [8]);
        expect(await shareOf(changes.detach())).toBe(0);
        tf.dispose([rows, resetRows]);
        changes.dispose();
      });
    });
  });
});

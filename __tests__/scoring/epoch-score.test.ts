import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import '../../src/entropy/all-kernels.js';
import type { Phase } from '../../src/epoch-record.js';
import { EpochScore, readScore, type EpochNumbers } from '../../src/scoring/epoch-score.js';
import { PredictionChanges } from '../../src/scoring/prediction-changes.js';
import { consensus } from '../../src/selection/monitors/consensus.js';
import { labelWave } from '../../src/selection/monitors/label-wave.js';
import type { Measured } from '../../src/scoring/running-mean.js';
import { DEVICE } from '../support/device-backend.js';
import { entropyOfProbabilities, mean, softmax64 } from '../support/entropy64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { information64 } from '../support/information64.js';

beforeEach(async () => {
  await tf.setBackend('cpu');
});

afterEach(() => {
  jest.restoreAllMocks();
});

const LOGITS = [
  [1, 2, 4],
  [3, 1, 1],
  [0, 0, 0],
  [5, 1, 2],
  [1, 1, 2],
];
const INFORMATION = expect.closeTo(information64(LOGITS.map(softmax64)), 5);
const ENTROPIES = LOGITS.map((row) => entropyOfProbabilities(softmax64(row)));

const TOP_2 = { topK: 2 };

/** Ends the epoch and reads its numbers. */
const numbersOf = async (score: EpochScore): Promise<EpochNumbers> =>
  (await readScore(score.detach())).numbers;

/** Appends rows of predictions as one batch. */
function append(score: EpochScore, rows: number[][], phase: Phase = 'train', fromLogits = true): void {
  tf.tidy(() => {
    score.append(tf.tensor2d(rows), fromLogits, phase);
  });
}

describe('the numbers of an epoch', () => {
  test('are means over the rows of each phase and of both phases', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS.slice(0, 2));
      append(score, LOGITS.slice(2, 3));
      append(score, LOGITS.slice(3, 5), 'val');
      expect({ train: score.rows('train'), val: score.rows('val') }).toEqual({ train: 3, val: 2 });
      const numbers = await numbersOf(score);
      expect(numbers.trainEntropy).toBeCloseTo(mean(ENTROPIES.slice(0, 3)), 6);
      expect(numbers.valEntropy).toBeCloseTo(mean(ENTROPIES.slice(3)), 6);
      expect(numbers.entropy).toBeCloseTo(mean(ENTROPIES), 6);
    });
  });

  test('have no validation entropy without validation', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS);
      const numbers = await numbersOf(score);
      expect(numbers.valEntropy).toBeNull();
      expect(numbers.entropy).toBe(numbers.trainEntropy);
    });
  });

  test('are those of validation without training', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS, 'val');
      const numbers = await numbersOf(score);
      expect(numbers.trainEntropy).toBeNull();
      expect(numbers.entropy).toBe(numbers.valEntropy);
      expect(numbers.valEntropy).toBeCloseTo(mean(ENTROPIES), 6);
    });
  });

  test('are null without rows', async () => {
    await expectNoTensorsLeft(async () => {
      const { numbers, scalars } = await readScore(new EpochScore(TOP_2).detach());
      expect(numbers).toEqual({ entropy: null, trainEntropy: null, valEntropy: null });
      expect(scalars).toEqual([]);
    });
  });

  test('count the topK largest probabilities', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore({ ...TOP_2, topK: 3 });
      append(score, LOGITS);
      const numbers = await numbersOf(score);
      const shannon = LOGITS.map((row) => entropyOfProbabilities(softmax64(row), 3));
      expect(numbers.entropy).toBeCloseTo(mean(shannon), 6);
    });
  });

  test('are NaN if one batch is NaN, and finite again in the next epoch', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS);
      append(score, [[1, NaN, 2]]);
      append(score, LOGITS, 'val');
      const numbers = await numbersOf(score);
      expect(numbers.trainEntropy).toBeNaN();
      expect(numbers.entropy).toBeNaN();
      expect(numbers.valEntropy).toBeCloseTo(mean(ENTROPIES), 6);
      append(score, LOGITS);
      expect((await numbersOf(score)).entropy).toBeCloseTo(mean(ENTROPIES), 6);
    });
  });
});

describe('a batch', () => {
  test('counts each step of a sequence output as a row', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      tf.tidy(() => {
        score.add(score.measure(tf.tensor3d([LOGITS, LOGITS]), true), 'train');
      });
      expect(score.rows('train')).toBe(10);
      expect((await numbersOf(score)).entropy).toBeCloseTo(mean(ENTROPIES), 6);
    });
  });

  test('counts a tensor of rank 1 as one row', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      tf.tidy(() => {
        score.add(score.measure(tf.tensor1d(LOGITS[0]!), true), 'train');
      });
      expect(score.rows('train')).toBe(1);
      expect((await numbersOf(score)).entropy).toBeCloseTo(ENTROPIES[0]!, 6);
    });
  });

  test.each([{ shape: [0, 3] }, { shape: [0, 1] }, { shape: [4, 0, 3] }])(
    'is ignored if it has no rows: shape $shape',
    async ({ shape }) => {
      await expectNoTensorsLeft(async () => {
        const score = new EpochScore(TOP_2);
        append(score, LOGITS);
        tf.tidy(() => {
          const batch = score.measure(tf.zeros(shape), true);
          expect(batch).toBeNull();
          score.add(batch, 'train');
        });
        expect(score.rows('train')).toBe(5);
        expect((await numbersOf(score)).entropy).toBeCloseTo(mean(ENTROPIES), 6);
      });
    },
  );

  test('is measured on a device into one tensor that outlives a tidy, and its predictions are not disposed', async () => {
    await tf.setBackend(DEVICE);
    await expectNoTensorsLeft(() => {
      const score = new EpochScore(TOP_2);
      const predictions = tf.tensor2d(LOGITS);
      const before = tf.memory().numTensors;
      const measured: Measured[] = [];
      tf.tidy(() => {
        measured.push(score.measure(predictions, true)!);
      });
      const [values] = measured as [tf.Tensor1D];
      expect(tf.memory().numTensors - before).toBe(1);
      expect(values.shape).toEqual([5]);
      expect(mean(Array.from(values.dataSync()))).toBeCloseTo(mean(ENTROPIES), 6);
      expect(predictions.isDisposed).toBe(false);
      tf.dispose([values, predictions]);
    });
  });

  test.each([{ shape: [] }, { shape: [3, 4, 2], topK: 3 }, { shape: [3, 1], topK: 3 }])(
    'is refused without a leak if it cannot be scored: shape $shape, topK $topK',
    async ({ shape, topK = 2 }) => {
      await expectNoTensorsLeft(() => {
        const predictions = tf.ones(shape);
        expect(() => new EpochScore({ ...TOP_2, topK }).measure(predictions, true)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^ENTROPY_INVALID_(PREDICTIONS|OPTION)$/) }),
        );
        predictions.dispose();
      });
    },
  );
});

describe('an output of one unit', () => {
  const LOGITS_OF_ONE_UNIT = [-3, -0.5, 0, 0.25, 8, 1e4, -1e4];

  test('scores a probability p as (p, 1 − p)', async () => {
    await expectNoTensorsLeft(async () => {
      const probabilities = [0, 0.01, 0.5, 0.75, 1];
      const [one, two] = [new EpochScore(TOP_2), new EpochScore(TOP_2)];
      append(
        one,
        probabilities.map((p) => [p]),
        'train',
        false,
      );
      append(
        two,
        probabilities.map((p) => [p, 1 - p]),
        'train',
        false,
      );
      const numbers = await numbersOf(one);
      expect(numbers).toEqual(await numbersOf(two));
      expect(numbers.entropy).toBeCloseTo(
        mean(probabilities.map((p) => entropyOfProbabilities([p, 1 - p]))),
        6,
      );
    });
  });

  test('scores a logit z as the softmax of (z, 0)', async () => {
    await expectNoTensorsLeft(async () => {
      const [one, two] = [new EpochScore(TOP_2), new EpochScore(TOP_2)];
      append(
        one,
        LOGITS_OF_ONE_UNIT.map((z) => [z]),
      );
      append(
        two,
        LOGITS_OF_ONE_UNIT.map((z) => [z, 0]),
      );
      const numbers = await numbersOf(one);
      expect(numbers).toEqual(await numbersOf(two));
      const expected = mean(LOGITS_OF_ONE_UNIT.map((z) => entropyOfProbabilities(softmax64([z, 0]))));
      expect(numbers.entropy).toBeCloseTo(expected, 6);
    });
  });

  test('counts each value of a sequence as a row', async () => {
    await expectNoTensorsLeft(() => {
      const score = new EpochScore(TOP_2);
      tf.tidy(() => {
        score.add(score.measure(tf.zeros([4, 3, 1]), true), 'train');
      });
      expect(score.rows('train')).toBe(12);
      score.reset();
    });
  });
});

describe('reset', () => {
  test('discards both phases', async () => {
    await expectNoTensorsLeft(() => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS);
      append(score, LOGITS, 'val');
      score.reset();
      expect({ train: score.rows('train'), val: score.rows('val') }).toEqual({ train: 0, val: 0 });
    });
  });

  test('keeps the other phase when given one', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS.slice(0, 2));
      append(score, LOGITS.slice(2), 'val');
      score.reset('val');
      const numbers = await numbersOf(score);
      expect(numbers.valEntropy).toBeNull();
      expect(numbers.entropy).toBeCloseTo(mean(ENTROPIES.slice(0, 2)), 6);
    });
  });
});

describe('readScore', () => {
  test('also reads scalars of any numeric dtype, without disposing them', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS);
      const others = [tf.scalar(0.25), tf.scalar(7, 'int32'), tf.tensor1d([0.5])] as tf.Scalar[];
      const { numbers, scalars } = await readScore(score.detach(), others);
      expect(scalars).toEqual([0.25, 7, 0.5]);
      expect(numbers.entropy).toBeCloseTo(mean(ENTROPIES), 6);
      expect(others.map(({ isDisposed, dtype }) => [isDisposed, dtype])).toEqual([
        [false, 'float32'],
        [false, 'int32'],
        [false, 'float32'],
      ]);
      tf.dispose(others);
    });
  });

  test('reads scalars of an epoch without rows', async () => {
    await expectNoTensorsLeft(async () => {
      const other = tf.scalar(0.25);
      const { numbers, scalars } = await readScore(new EpochScore(TOP_2).detach(), [other]);
      expect({ entropy: numbers.entropy, scalars }).toEqual({ entropy: null, scalars: [0.25] });
      other.dispose();
    });
  });

  test('leaves batches that are appended during the read to the next epoch', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS.slice(0, 2));
      append(score, LOGITS.slice(0, 2), 'val');
      const closing = readScore(score.detach());
      append(score, LOGITS.slice(2));
      const first = (await closing).numbers;
      expect(first.entropy).toBeCloseTo(mean(ENTROPIES.slice(0, 2)), 6);
      const second = await numbersOf(score);
      expect(second.trainEntropy).toBeCloseTo(mean(ENTROPIES.slice(2)), 6);
      expect(second.valEntropy).toBeNull();
    });
  });

  test('frees its tensors when the read fails', async () => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      append(score, LOGITS);
      jest.spyOn(tf.engine(), 'read').mockRejectedValueOnce(new Error('device lost'));
      await expect(readScore(score.detach())).rejects.toThrow('device lost');
      expect(score.rows('train')).toBe(0);
    });
  });
});

describe('the counts of a comparing monitor', () => {
  test.each([
    ['consensus', consensus, [null, 0], [INFORMATION, INFORMATION]],
    ['label wave', labelWave, [null, 0], [undefined, undefined]],
  ] as const)('are read together with the entropies: %s', async (_, comparing, changes, information) => {
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      score.compareBy(new PredictionChanges(comparing, 10));
      for (const epoch of [0, 1]) {
        append(score, LOGITS);
        append(score, LOGITS, 'val');
        const read = [jest.spyOn(tf.engine(), 'read'), jest.spyOn(tf.engine(), 'readSync')];
        const numbers = await numbersOf(score);
        expect(read.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBe(1);
        jest.restoreAllMocks();
        expect(numbers.valChanges).toEqual(changes[epoch]);
        expect(numbers.valInformation).toEqual(information[epoch]);
      }
      expect(score.monitorState).not.toBeNull();
      score.dispose();
      expect(score.monitorState).toBeNull();
    });
  });

  test('are absent without a comparing monitor', async () => {
    const score = new EpochScore(TOP_2);
    append(score, LOGITS, 'val');
    expect(await numbersOf(score)).not.toHaveProperty('valChanges');
    expect(score.monitorState).toBeNull();
  });
});

test('numClasses is the smallest number of classes of any output', async () => {
  await expectNoTensorsLeft(() => {
    const score = new EpochScore(TOP_2);
    expect(score.numClasses).toBeNull();
    const counts = [5, 3, 4, 1].map((classes) => {
      append(score, [Array<number>(classes).fill(0)]);
      return score.numClasses;
    });
    // A single unit is the positive class of two.
    expect(counts).toEqual([5, 3, 3, 2]);
    score.dispose();
  });
});

describe.each([
  { backend: 'cpu', tensors: 0 },
  { backend: 'wasm', tensors: 0 },
  { backend: DEVICE, tensors: 1 },
])('EpochScore on $backend', ({ backend, tensors }) => {
  test('reads from the device once, at the end of the epoch', async () => {
    await tf.setBackend(backend);
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      const predictions = [tf.tensor2d(LOGITS), tf.tensor2d(LOGITS)];
      const other = tf.scalar(1);
      const reads = [jest.spyOn(tf.engine(), 'read'), jest.spyOn(tf.engine(), 'readSync')];
      const countReads = () => reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      for (const phase of ['train', 'val'] as const) {
        for (const batch of predictions) score.add(score.measure(batch, true), phase);
      }
      expect(countReads()).toBe(0);
      await readScore(score.detach(), [other]);
      expect(countReads()).toBe(1);
      tf.dispose([...predictions, other]);
    });
  });

  test('keeps at most two scalars for any number of batches', async () => {
    await tf.setBackend(backend);
    await expectNoTensorsLeft(() => {
      const score = new EpochScore(TOP_2);
      const before = tf.memory();
      for (let i = 0; i < 50; i++) append(score, LOGITS, i % 5 === 0 ? 'val' : 'train');
      const now = tf.memory();
      expect(now.numTensors - before.numTensors).toBe(2 * tensors);
      expect(now.numDataBuffers - before.numDataBuffers).toBe(2 * tensors);
      expect(now.numBytes - before.numBytes).toBe(8 * tensors);
      score.reset();
    });
  });

  test.each([{ numClasses: 3 }, { numClasses: 1 }])(
    'measures $numClasses classes without leaving intermediate tensors to a gradient tape',
    async ({ numClasses }) => {
      await tf.setBackend(backend);
      await expectNoTensorsLeft(() => {
        const score = new EpochScore(TOP_2);
        const weights = tf.tidy(() => tf.variable(tf.ones([8, numClasses])));
        const growths: object[] = [];
        const measureOnce = (): tf.Scalar => {
          const predictions = tf.mul(weights, 2);
          const before = tf.memory();
          const batch = score.measure(predictions, true)!;
          const after = tf.memory();
          growths.push({
            tensors: after.numTensors - before.numTensors,
            buffers: after.numDataBuffers - before.numDataBuffers,
            bytes: after.numBytes - before.numBytes,
          });
          batch.dispose();
          return tf.mean<tf.Scalar>(predictions);
        };
        tf.dispose(tf.tidy(measureOnce));
        const { value, grads } = tf.variableGrads(measureOnce);
        expect(growths).toEqual([
          { tensors, buffers: tensors, bytes: tensors * 8 * 4 },
          { tensors, buffers: tensors, bytes: tensors * 8 * 4 },
        ]);
        tf.dispose([value, grads, weights]);
      });
    },
  );

  test('measures the same values under a gradient tape', async () => {
    await tf.setBackend(backend);
    await expectNoTensorsLeft(() => {
      const score = new EpochScore(TOP_2);
      const weights = tf.tidy(() => tf.variable(tf.tensor2d(LOGITS)));
      const { value, grads } = tf.variableGrads(() => {
        const batch = score.measure(weights, true)!;
        const measured = batch instanceof tf.Tensor ? mean(Array.from(batch.dataSync())) : batch.mean;
        expect(measured).toBeCloseTo(mean(ENTROPIES), 5);
        batch.dispose();
        return tf.mean<tf.Scalar>(weights);
      });
      tf.dispose([value, grads, weights]);
    });
  });

  test('adds batches under a gradient tape without a leak', async () => {
    await tf.setBackend(backend);
    await expectNoTensorsLeft(async () => {
      const score = new EpochScore(TOP_2);
      const weights = tf.tidy(() => tf.variable(tf.tensor2d(LOGITS)));
      for (let i = 0; i < 3; i++) {
        const { value, grads } = tf.variableGrads(() => {
          score.add(score.measure(weights, true), 'train');
          return tf.mean<tf.Scalar>(weights);
        });
        tf.dispose([value, grads]);
      }
      expect((await numbersOf(score)).entropy).toBeCloseTo(mean(ENTROPIES), 5);
      weights.dispose();
    });
  });
});

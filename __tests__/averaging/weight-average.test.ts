import { beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { MOVE_TOWARDS, moveTowards } from '../../src/averaging/average-kernels.js';
import { WeightAverage } from '../../src/averaging/weight-average.js';
import { thrownBy } from '../support/errors.js';
import { expectNoTensorsLeft, makeModel } from '../support/fixtures.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { Average64, setValues, valuesOf } from './fixtures/average64.js';

const DEFAULTS = { decay: 0.62, updatesPerEpoch: 8 };

beforeEach(async () => {
  await tf.setBackend('cpu');
});

/** Changes every weight, as a training step does. */
function step(model: tf.LayersModel, number: number): void {
  setValues(
    model,
    valuesOf(model).map((values, i) => values.map((value, j) => value + Math.sin(7 * number + i + j))),
  );
}

async function withAverage(
  body: (average: WeightAverage, model: tf.Sequential) => Promise<void> | void,
  settings = DEFAULTS,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const average = new WeightAverage(settings);
    await body(average, model);
    average.dispose();
    disposeTrained(model);
  });
}

/** Takes two steps, the second of which isn't in the average. @returns the trained weights. */
function stepBeyond(average: WeightAverage, model: tf.LayersModel): number[][] {
  step(model, 1);
  average.endStep(model);
  step(model, 2);
  return valuesOf(model);
}

const averagesOf = (average: WeightAverage, model: tf.LayersModel): number[][] =>
  model.weights.map((weight) => Array.from(average.averageOf(weight)!.dataSync()));

describe.each([
  [1, DEFAULTS],
  [5, DEFAULTS],
  [8, DEFAULTS],
  [23, DEFAULTS],
  [64, DEFAULTS],
  [30, { decay: 0.9, updatesPerEpoch: 1 }],
  [30, { decay: 0.01, updatesPerEpoch: 100 }],
])('with %i batches an epoch and %j', (batches, settings) => {
  it('is what the formula says', () =>
    withAverage((average, model) => {
      const expected = new Average64(settings);
      average.beginFit(model, batches);
      for (let epoch = 0; epoch < 3; epoch++) {
        for (let batch = 0; batch < batches; batch++) {
          step(model, 100 * epoch + batch);
          average.beginBatch(batch);
          average.endBatch();
          // Another checkpoint of the same fit says so as well.
          average.endBatch();
          expected.endBatch(valuesOf(model), batch, batches);
        }
        average.endEpoch(true);
        for (const [i, values] of averagesOf(average, model).entries()) {
          for (const [j, value] of values.entries()) {
            expect(Math.abs(value - expected.average[i]![j]!)).toBeLessThan(1e-5);
          }
        }
      }
    }, settings));
});

describe('an epoch of unknown size', () => {
  it('is as long as the one before', () =>
    withAverage((average, model) => {
      average.beginFit(model, null);
      expect(average.progress).toEqual({ mass: 0, batchesPerEpoch: null });
      for (let batch = 0; batch < 20; batch++) average.endStep(model);
      average.endEpoch(true);
      expect(average.progress.batchesPerEpoch).toBe(20);
      // One that is cut short says nothing.
      average.endStep(model);
      average.endEpoch(false);
      expect(average.progress.batchesPerEpoch).toBe(20);
    }));

  it('is averaged from its first batch on', () =>
    withAverage((average, model) => {
      const decays: number[] = [];
      let mass = 0;
      for (let batch = 1; batch <= 40; batch++) {
        average.endStep(model);
        if (average.progress.mass === mass) continue;
        decays.push((1 - average.progress.mass) / (1 - mass));
        mass = average.progress.mass;
      }
      // After every batch at first, then after every second, third …
      expect(decays.slice(0, 15)).toEqual(
        Array.from({ length: 15 }, (_, i) => expect.closeTo(0.62 ** (1 / (i + 1)), 10)),
      );
      expect(decays).toHaveLength(15 + 4 + 3 + 2 + 1);
    }));
});

describe('while the model holds the average', () => {
  it('nothing is copied, and the trained weights are restored', () =>
    withAverage((average, model) => {
      for (let i = 0; i < 3; i++) {
        step(model, i);
        average.endStep(model);
      }
      const [trained, averaged] = [valuesOf(model), averagesOf(average, model)];
      expect(trained).not.toEqual(averaged);
      const before = tf.memory();
      const buffers = model.weights.map((weight) => weight.read().dataId);
      const result = average.run(() => {
        expect(valuesOf(model)).toEqual(averaged);
        expect(average.isSwapped).toBe(true);
        const { numTensors, numDataBuffers, numBytes } = tf.memory();
        expect([numTensors, numDataBuffers, numBytes]).toEqual([
          before.numTensors,
          before.numDataBuffers,
          before.numBytes,
        ]);
        return 'result';
      });
      expect(result).toBe('result');
      expect(valuesOf(model)).toEqual(trained);
      expect(model.weights.map((weight) => weight.read().dataId)).toEqual(buffers);
      expect(averagesOf(average, model)).toEqual(averaged);
    }));

  it.each(['run', 'runAsync'] as const)('an error of `%s` restores them', (method) =>
    withAverage(async (average, model) => {
      const trained = stepBeyond(average, model);
      const use = async (): Promise<unknown> =>
        average[method](() => {
          throw new Error('validation fails');
        });
      await expect(use()).rejects.toThrow('validation fails');
      expect(valuesOf(model)).toEqual(trained);
      expect(average.isSwapped).toBe(false);
    }),
  );

  it('training is refused: the trained weights are back, and a new average begins', () =>
    withAverage((average, model) => {
      const trained = stepBeyond(average, model);
      const error = thrownBy(() => {
        average.run(() => {
          step(model, 3);
        });
      });
      expect(error.code).toBe('ENTROPY_INVALID_STATE');
      expect(error.message).toContain('Only validate on the average');
      expect(valuesOf(model)).toEqual(trained);
      expect(average.progress.mass).toBe(0);
      expect(average.averageOf(model.weights[0]!)).toBeNull();
    }));

  it('it may be disposed: that waits', () =>
    withAverage((average, model) => {
      const trained = stepBeyond(average, model);
      average.run(() => {
        average.dispose();
      });
      expect(valuesOf(model)).toEqual(trained);
      expect(average.averageOf(model.weights[0]!)).toBeNull();
      average.retain();
    }));

  it('the model may be disposed', () =>
    expectNoTensorsLeft(() => {
      const model = makeModel();
      const average = new WeightAverage(DEFAULTS);
      average.endStep(model);
      step(model, 1);
      average.run(() => {
        disposeTrained(model);
      });
      average.dispose();
    }));
});

test('weights that are not float32 are not averaged', () =>
  withAverage((average, model) => {
    class Counter extends tf.layers.Layer {
      static className = 'AveragedCounter';
      override build(): void {
        this.addWeight('count', [1], 'int32', tf.initializers.zeros(), undefined, false);
      }
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return tf.tidy(() => tf.clone([inputs].flat()[0]!));
      }
    }
    tf.serialization.registerClass(Counter);
    const counting = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [2] }), new Counter({})],
    });
    average.endStep(counting);
    const averaged = counting.weights.map((weight) => average.averageOf(weight) !== null);
    expect(counting.weights.map((weight) => weight.read().dtype)).toEqual(['float32', 'float32', 'int32']);
    expect(averaged).toEqual([true, true, false]);
    counting.dispose();
    expect(model.weights.length).toBeGreaterThan(0);
  }));

test('a decay that float64 rounds to 1 gives no NaN', () =>
  withAverage(
    (average, model) => {
      for (let i = 0; i < 4; i++) {
        step(model, i);
        average.endStep(model);
      }
      expect(averagesOf(average, model).flat().every(Number.isFinite)).toBe(true);
      // An average of all steps.
      expect(average.progress.mass).toBeGreaterThan(0);
    },
    { decay: 1 - 2 ** -53, updatesPerEpoch: 8 },
  ));

test('a weight that is not trained takes no further copy, whatever its values are', () =>
  withAverage((average, model) => {
    const [frozen] = model.weights;
    tf.tidy(() => {
      const variable = frozen!.read() as tf.Variable;
      variable.assign(tf.fill(variable.shape, -Infinity));
    });
    average.endStep(model);
    const { numDataBuffers } = tf.memory();
    for (let i = 0; i < 3; i++) average.endStep(model);
    expect(tf.memory().numDataBuffers).toBe(numDataBuffers);
    expect(
      average
        .averageOf(frozen!)!
        .dataSync()
        .every((value) => value === -Infinity),
    ).toBe(true);
  }));

test('an epoch that will be undone does not count', () =>
  withAverage((average, model) => {
    average.beginFit(model, 1);
    average.skipEpoch();
    average.beginBatch(0);
    average.endBatch();
    expect(average.progress.mass).toBe(0);
    average.endEpoch(false);
    average.beginBatch(0);
    average.endBatch();
    expect(average.progress.mass).toBeGreaterThan(0);
  }));

test('a model that was disposed is refused', () =>
  expectNoTensorsLeft(() => {
    const model = makeModel();
    const average = new WeightAverage(DEFAULTS);
    average.endStep(model);
    disposeTrained(model);
    expect(thrownBy(() => average.run(() => 1)).code).toBe('ENTROPY_MODEL_DISPOSED');
    average.dispose();
  }));

describe('an update on', () => {
  const run = (backend: string): Promise<number[]> =>
    tf.setBackend(backend).then(() =>
      tf.tidy(() => {
        const average = tf.tensor2d([1, -2, 0.5, 1e-8], [2, 2]);
        const weight = tf.tensor2d([3, -2, 1e6, 1], [2, 2]);
        return Array.from(moveTowards(average, weight, 0.1).dataSync());
      }),
    );
  const expected = [1.2, -2, 0.5 + 0.1 * (1e6 - 0.5), 0.1 + 0.9e-8].map(Math.fround);

  it.each(['cpu', 'wasm'])('%s is one kernel', async (backend) => {
    await expectNoTensorsLeft(async () => {
      expect(await run(backend)).toEqual(expected);
      const { kernelNames: kernels } = await tf.profile(() => {
        tf.tidy(() => {
          moveTowards(tf.ones([3]), tf.zeros([3]), 0.5);
        });
      });
      expect(kernels).toContain(MOVE_TOWARDS);
      expect(kernels).not.toContain('Sub');
    });
  });

  describe('tfjs-node', () => {
    /** Runs the kernel on a stand-in for the backend of tfjs-node. @returns the result, and the number of reads. */
    const runOnTensorFlow = (size: number, isUsingGpuDevice: boolean): { last: number; reads: number } =>
      tf.tidy(() => {
        let reads = 0;
        const backend = {
          isUsingGpuDevice,
          write: (values: Float32Array, shape: number[]) => tf.tensor(values, shape).dataId,
          readSync: (dataId: object) => {
            reads += 1;
            return tf.backend().readSync(dataId);
          },
        };
        const kernel = tf.getKernel(MOVE_TOWARDS, 'tensorflow');
        const inputs = { average: tf.fill([size], 1), weight: tf.fill([size], 3) };
        const moved = kernel.kernelFunc({ inputs, attrs: { share: 0.25 }, backend }) as tf.TensorInfo;
        return { last: tf.backend().readSync(moved.dataId)[size - 1] as number, reads };
      });

    it('takes one pass over a small weight', () =>
      expectNoTensorsLeft(() => {
        const { last, reads } = runOnTensorFlow(2 ** 13, false);
        expect(last).toBe(1.5);
        expect(reads).toBeGreaterThan(0);
      }));

    it.each([
      { size: 2 ** 13 + 1, isUsingGpuDevice: false },
      { size: 5, isUsingGpuDevice: true },
    ])('reads nothing with $size values, GPU $isUsingGpuDevice', (weight) =>
      expectNoTensorsLeft(() => {
        expect(runOnTensorFlow(weight.size, weight.isUsingGpuDevice)).toEqual({ last: 1.5, reads: 0 });
      }),
    );
  });

  it('another backend takes three operations', async () => {
    const kernel = tf.getKernel(MOVE_TOWARDS, 'cpu');
    tf.unregisterKernel(MOVE_TOWARDS, 'cpu');
    try {
      const moved = await run('cpu');
      for (const [i, value] of moved.entries()) expect(value / expected[i]!).toBeCloseTo(1, 6);
      const { kernelNames } = await tf.profile(() => {
        tf.tidy(() => {
          moveTowards(tf.ones([3]), tf.zeros([3]), 0.5);
        });
      });
      expect(kernelNames.filter((name) => ['Sub', 'Multiply', 'Add'].includes(name))).toHaveLength(3);
    } finally {
      tf.registerKernel(kernel);
    }
  });
});

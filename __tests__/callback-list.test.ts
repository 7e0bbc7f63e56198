import { expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type CallbackLike } from '../src/index.js';
import { callbackWith, FIT } from './support/confidences.js';
import { thrownBy } from './support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel } from './support/fixtures.js';

async function fitWith(
  others: (CallbackLike | readonly CallbackLike[]) | null | undefined,
): Promise<EntropyCheckpointCallback> {
  const checkpoint = new EntropyCheckpointCallback({ filepath: null });
  await expectNoTensorsLeft(async () => {
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    await model.fit(x, y, { ...FIT, callbacks: checkpoint.with(others) });
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
  return checkpoint;
}

/** As classes of programs are: its methods use `this`. */
class Recorder {
  readonly entropies: unknown[] = [];
  numBatches = 0;

  onEpochEnd(_epoch: number, logs?: tf.Logs): void {
    this.entropies.push(logs?.['entropy']);
  }

  onBatchEnd(): Promise<void> {
    this.numBatches++;
    return Promise.resolve();
  }
}

test('an object of functions sees the values of the checkpoint, with its own `this`', async () => {
  const recorder = new Recorder();
  const checkpoint = await fitWith(recorder);
  expect(recorder.entropies).toEqual(checkpoint.history.map(({ entropy }) => entropy));
  expect(recorder.entropies).toHaveLength(FIT.epochs);
  expect(recorder.numBatches).toBeGreaterThan(FIT.epochs);
});

test('a mixed list keeps its order, and its instances', async () => {
  const calls: string[] = [];
  const instance = callbackWith('onEpochEnd', () => void calls.push('instance'));
  const onEpochEnd = (): void => void calls.push('object');
  const early = tf.callbacks.earlyStopping({ monitor: 'loss', patience: 99 });
  const checkpoint = new EntropyCheckpointCallback({ filepath: null });
  const list = checkpoint.with([{ onEpochEnd }, instance, early]);
  expect([list[0], list[2], list[3]]).toEqual([checkpoint, instance, early]);
  await fitWith([{ onEpochEnd }, instance, early]);
  expect(calls).toEqual(Array.from({ length: FIT.epochs }, () => ['object', 'instance']).flat());
});

test('`onYield` is called where TensorFlow.js yields', async () => {
  const onYield = jest.fn<(epoch: number, batch: number, logs: tf.Logs) => void>();
  const checkpoint = new EntropyCheckpointCallback({ filepath: null });
  const [, yielding] = checkpoint.with({ onYield });
  // The instance's own one waits until some time has passed.
  await tf.CustomCallback.prototype.maybeWait.call(yielding as tf.CustomCallback, 1, 2, { loss: 3 });
  expect(onYield).toHaveBeenCalledWith(1, 2, { loss: 3 });
  checkpoint.dispose();
});

it.each([[null], [undefined], [[]]])('without others (%p), the list holds the checkpoint', async (others) => {
  expect((await fitWith(others)).history).toHaveLength(FIT.epochs);
});

it.each([[3], ['early'], [[null]], [() => undefined]])('refuses %p', (others) => {
  const checkpoint = new EntropyCheckpointCallback({ filepath: null });
  const { code, message } = thrownBy(() => checkpoint.with(others as never));
  expect(code).toBe('ENTROPY_INVALID_ARGUMENT');
  expect(message).toContain('Expected `others` to be callbacks, or objects of functions');
});

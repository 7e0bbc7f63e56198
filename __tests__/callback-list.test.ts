import { describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type CallbackLike } from '../src/index.js';
import { callbackWith, FIT } from './support/confidences.js';
import { rejection, thrownBy } from './support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from './support/fixtures.js';

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

type Callbacks = NonNullable<tf.ModelFitArgs['callbacks']>;
type WrongForm = (checkpoint: EntropyCheckpointCallback) => Callbacks;

// eslint-disable-next-line @typescript-eslint/no-misused-spread -- that's what is tested.
const copyOf = (checkpoint: EntropyCheckpointCallback): tf.CustomCallbackArgs => ({ ...checkpoint });

class Subclass extends EntropyCheckpointCallback {}

/** What TensorFlow.js takes for functions of a configuration, with one of ours among them. The types accept half of it. */
const NOTICED: Readonly<Record<string, WrongForm>> = {
  'a copy': copyOf,
  'a copy in a list': (checkpoint) => [copyOf(checkpoint)],
  'a copy with another callback': (checkpoint) =>
    Object.assign({}, checkpoint, { onEpochEnd: () => undefined }),
  // @ts-expect-error -- the types refuse the class.
  'the class': () => EntropyCheckpointCallback,
  // @ts-expect-error -- the types refuse the class.
  'the class in a list': () => [EntropyCheckpointCallback],
  // @ts-expect-error -- the types refuse the class.
  'a subclass': () => Subclass,
  'an object of functions first': (checkpoint) => [{ onEpochEnd: () => undefined }, checkpoint],
};

/** What TensorFlow.js takes for configurations without functions. */
const IGNORED: Readonly<Record<string, WrongForm>> = {
  // @ts-expect-error -- the types refuse a list within a list.
  'a list within a list': (checkpoint) => [[checkpoint]],
  // @ts-expect-error -- the types refuse an object of callbacks.
  'an object of callbacks': (checkpoint) => ({ checkpoint }),
  // @ts-expect-error -- the types refuse a set.
  'a set': (checkpoint) => new Set([checkpoint]),
  // @ts-expect-error -- the types refuse a function.
  'a function': (checkpoint) => () => checkpoint,
};

/** Lists that TensorFlow.js fails on, with its message. JavaScript engines word some differently. */
const FAILING: Readonly<Record<string, readonly [message: RegExp, form: WrongForm]>> = {
  'an object of functions after it': [
    /callback\.setParams is not a function/,
    (checkpoint) => [checkpoint, { onEpochEnd: () => undefined }],
  ],
  'a list after it': [
    /callback\.setParams is not a function/,
    // @ts-expect-error -- the types refuse a list within a list.
    (checkpoint) => [checkpoint, [new tf.CustomCallback({})]],
  ],
  'null after it': [
    /null.*setParams/,
    // @ts-expect-error -- the types refuse null.
    (checkpoint) => [checkpoint, null],
  ],
  'undefined after it': [
    /undefined.*setParams/,
    // @ts-expect-error -- the types refuse undefined.
    (checkpoint) => [checkpoint, undefined],
  ],
  'null first': [
    /null.*nowFunc/,
    // @ts-expect-error -- the types refuse null.
    (checkpoint) => [null, checkpoint],
  ],
};

describe('in a form that TensorFlow.js takes for something else', () => {
  /** Trains with a wrong form, and frees everything. @returns whether weights have changed, and how `fit` ended. */
  async function fitWithForm(
    form: WrongForm,
    use: (fit: Promise<tf.History>, checkpoint: EntropyCheckpointCallback) => Promise<void>,
  ): Promise<{ isTrained: boolean }> {
    let isTrained = false;
    await expectNoTensorsLeft(async () => {
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      const model = makeModel();
      const { x, y } = makeData(24);
      const before = weightValues(model);
      await use(model.fit(x, y, { ...FIT, callbacks: form(checkpoint) }), checkpoint);
      isTrained = JSON.stringify(weightValues(model)) !== JSON.stringify(before);
      checkpoint.dispose();
      tf.dispose([x, y]);
      disposeModel(model);
    });
    return { isTrained };
  }

  it.each(Object.entries(NOTICED))('%s is refused before anything is trained', async (_name, form) => {
    const { isTrained } = await fitWithForm(form, async (fit) => {
      const { code, message } = await rejection(fit);
      expect(code).toBe('ENTROPY_INVALID_CALLBACK_LIST');
      expect(message).toContain('pass `callbacks: checkpoint`, or `callbacks: checkpoint.with(others)`');
    });
    expect(isTrained).toBe(false);
  });

  it.each(Object.entries(IGNORED))(
    '%s is ignored, and the checkpoint says so afterwards',
    async (_name, form) => {
      const { isTrained } = await fitWithForm(form, async (fit, checkpoint) => {
        await fit;
        expect(checkpoint.best).toBeNull();
        const { code, message } = await rejection(checkpoint.loadCheckpoint());
        expect(code).toBe('ENTROPY_NO_BEST');
        expect(message).toContain('No `fit` has trained with this callback: pass `callbacks: checkpoint`');
        expect(message).toContain(checkpoint.explain());
      });
      expect(isTrained).toBe(true);
    },
  );

  it.each(Object.entries(FAILING))('%s: TensorFlow.js fails', async (_name, [message, form]) => {
    const { isTrained } = await fitWithForm(form, async (fit) => {
      await expect(fit).rejects.toThrow(message);
    });
    expect(isTrained).toBe(false);
  });
});

test('an instance that trained before still notices a copy of itself', async () => {
  await expectNoTensorsLeft(async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const model = makeModel();
    const { x, y } = makeData(24);
    await model.fit(x, y, { ...FIT, callbacks: checkpoint });
    const { code } = await rejection(model.fit(x, y, { ...FIT, callbacks: copyOf(checkpoint) }));
    expect(code).toBe('ENTROPY_INVALID_CALLBACK_LIST');
    await checkpoint.loadCheckpoint();
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
});

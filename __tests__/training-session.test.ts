import { describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../src/epoch-record.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../src/options.js';
import { EpochLogs } from '../src/scoring/epoch-logs.js';
import { EpochScore } from '../src/scoring/epoch-score.js';
import { MemoryStore } from '../src/stores/memory-store.js';
import type { TrainedModel } from '../src/tfjs-internals.js';
import { TrainingSession } from '../src/training-session.js';
import { rejection } from './support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeModel, weightValues } from './support/fixtures.js';
import { GatedStore } from './support/gated-store.js';
import { storedEpochs } from './support/stored-epochs.js';
import { hasSettled, until } from './support/until.js';

/** Rows of probabilities whose entropy rises with `spread`, 0…1. */
function appendRows(session: TrainingSession, spread: number): void {
  tf.tidy(() => {
    session.score.append(tf.tensor2d([[1 - spread / 2, spread / 2, 0, 0]]), false, 'train');
  });
}

interface Parts {
  readonly session: TrainingSession;
  readonly trained: TrainedModel;
  /** Appends rows, and ends the next epoch. */
  readonly endEpoch: (spread: number, logs?: Record<string, number>) => Promise<EpochRecord>;
}

/** Runs `body` on a session, and expects no tensor after its end. */
async function withSession(
  options: EntropyCheckpointOptions,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const resolved = resolveOptions(options);
    const session = new TrainingSession(resolved, new EpochScore(resolved));
    const trained = { model, optimizer: model.optimizer };
    let epoch = 0;
    const endEpoch: Parts['endEpoch'] = (spread, logs = {}) => {
      appendRows(session, spread);
      const ended = { epoch: epoch++, fit: 0, isComplete: true, logs: new EpochLogs(logs) };
      return session.closeEpoch(trained, ended);
    };
    await body({ session, trained, endEpoch });
    session.dispose();
    await session.flush().catch(() => undefined);
    disposeModel(model);
  });
}

/** Makes the next device reads wait. @returns a function that lets them continue. */
function holdReads(count = Infinity): () => void {
  let letThrough: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  const read = tf.backend().read.bind(tf.backend());
  let reads = 0;
  jest.spyOn(tf.backend(), 'read').mockImplementation(async (id) => {
    if (reads++ < count) await gate;
    return read(id);
  });
  return () => {
    letThrough();
    jest.restoreAllMocks();
  };
}

describe('an epoch', () => {
  it('is compared and stored, with one read', () =>
    withSession({ filepath: new MemoryStore() }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      const first = await endEpoch(0.2);
      const second = await endEpoch(0.8);
      expect([first, second].map(({ isBest }) => isBest)).toEqual([true, true]);
      expect(session.selector.best).toBe(second);
    }));

  it('ends before the next one, though the caller awaits neither', () =>
    withSession({ filepath: new MemoryStore() }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      const spreads = [0.9, 0.1, 0.5];
      const records = await Promise.all(spreads.map((spread) => endEpoch(spread)));
      const entropies = records.map(({ entropy }) => entropy!);
      expect(session.selector.history).toEqual(records);
      expect(entropies[0]!).toBeGreaterThan(entropies[2]!);
      expect(entropies[2]!).toBeGreaterThan(entropies[1]!);
    }));

  it('is compared before the next one, though its numbers are read more slowly', () =>
    withSession({ filepath: null }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      const letThrough = holdReads(1);
      const first = endEpoch(0.2);
      const second = endEpoch(0.8);
      expect(await hasSettled(second)).toBe(false);
      letThrough();
      expect(session.selector.history).toEqual(await Promise.all([first, second]));
    }));

  it('is not selected or held if the session is disposed while its numbers are read', () => {
    const store = new GatedStore();
    return withSession({ filepath: store }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      const letThrough = holdReads();
      const ended = endEpoch(0.5);
      session.dispose();
      letThrough();
      await ended;
      const { numTensors } = tf.memory();
      await session.flush();
      expect(store.begun).toHaveLength(0);
      expect(tf.memory().numTensors).toBe(numTensors);
      // Nor is the store locked.
      await store.open();
      store.close();
    });
  });

  it('is recorded as cut short, and locks nothing, if the session is disposed before its store is open', () => {
    const store = new GatedStore();
    return withSession({ filepath: store, monitor: 'val_acc' }, async ({ session, endEpoch }) => {
      const ended = endEpoch(0.5, { val_acc: 0.9 });
      session.dispose();
      const record = await ended;
      expect(record).toMatchObject({ entropy: null, value: null, isBest: false });
      expect(session.isOpen).toBe(false);
      await store.open();
      store.close();
    });
  });

  it('locks nothing if the session is disposed while its store is being opened', () => {
    const store = new GatedStore();
    return withSession({ filepath: store }, async ({ session, trained }) => {
      let opened: () => void = () => undefined;
      const open = store.open.bind(store);
      const opens = jest.spyOn(store, 'open').mockImplementationOnce(async () => {
        await new Promise<void>((resolve) => {
          opened = resolve;
        });
        await open();
      });
      const opening = session.open(trained);
      await until(() => opens.mock.calls.length === 1);
      session.dispose();
      opened();
      await opening;
      expect(session.isOpen).toBe(false);
      await store.open();
      store.close();
    });
  });

  it('that could not be compared does not keep the next one from it', () =>
    withSession({ filepath: null }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      jest.spyOn(tf.backend(), 'read').mockRejectedValueOnce(new Error('device lost'));
      await expect(endEpoch(0.5)).rejects.toThrow('device lost');
      jest.restoreAllMocks();
      expect((await endEpoch(0.5)).isBest).toBe(true);
    }));
});

describe('load', () => {
  it('waits for the epoch that is being compared', () =>
    withSession({ filepath: null }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      await endEpoch(0.2);
      const letThrough = holdReads();
      const ended = endEpoch(0.8);
      const loading = session.load(trained);
      expect(await hasSettled(loading)).toBe(false);
      letThrough();
      await ended;
      expect((await loading).epoch).toBe(1);
    }));

  it('waits for the write of the epoch', () => {
    const store = new GatedStore();
    return withSession({ filepath: store }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      store.shut();
      await endEpoch(0.5);
      const loading = session.load(trained);
      expect(await hasSettled(loading)).toBe(false);
      store.letThrough();
      expect((await loading).epoch).toBe(0);
      expect(await storedEpochs(store)).toEqual({ best: 0 });
    });
  });

  it('is refused before there is a best epoch, and changes nothing', () =>
    withSession({ filepath: null }, async ({ session, trained }) => {
      const before = weightValues(trained.model);
      expect((await rejection(session.load(trained))).code).toBe('ENTROPY_NO_BEST');
      expect(weightValues(trained.model)).toEqual(before);
    }));
});

describe('flush', () => {
  it('waits for the epoch that is being compared, and for its write', () => {
    const store = new MemoryStore();
    return withSession({ filepath: store }, async ({ session, trained, endEpoch }) => {
      await session.open(trained);
      const letThrough = holdReads();
      const ended = endEpoch(0.5);
      const flushed = session.flush();
      expect(await hasSettled(flushed)).toBe(false);
      letThrough();
      await flushed;
      expect(await storedEpochs(store)).toEqual({ best: 0 });
      await ended;
    });
  });
});

describe('onBest', () => {
  it('may wait for `flush`, and is awaited itself', () => {
    const store = new MemoryStore();
    const stored: Record<string, number>[] = [];
    let session: TrainingSession | null = null;
    const onBest = async (): Promise<void> => {
      await session!.flush();
      stored.push(await storedEpochs(store));
    };
    return withSession({ filepath: store, onBest }, async (parts) => {
      ({ session } = parts);
      await session.open(parts.trained);
      await parts.endEpoch(0.2);
      await parts.endEpoch(0.1);
      await parts.endEpoch(0.3);
      expect(stored).toEqual([{ best: 0 }, { best: 2 }]);
    });
  });
});

describe('dispose', () => {
  it('frees the scores of a running epoch', () =>
    withSession({ filepath: null }, async ({ session, trained }) => {
      await session.open(trained);
      const { numTensors } = tf.memory();
      session.score.add(tf.tensor1d([0.5]), 'train');
      expect(tf.memory().numTensors).toBe(numTensors + 1);
      session.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    }));

  it('may be repeated, and may come before anything else', () =>
    withSession({ filepath: null }, ({ session }) => {
      session.dispose();
      session.dispose();
      expect(session.selector.best).toBeNull();
      return Promise.resolve();
    }));
});

describe('captureState', () => {
  it('restores model and optimizer, and is freed by its owner', () =>
    withSession({ filepath: null }, async ({ session, trained }) => {
      const before = weightValues(trained.model);
      const { numTensors } = tf.memory();
      const captured = await session.captureState(trained);
      const zeros = trained.model.getWeights().map((weight) => tf.zerosLike(weight));
      trained.model.setWeights(zeros);
      tf.dispose(zeros);
      expect(weightValues(trained.model)).not.toEqual(before);
      await captured.restore();
      captured.dispose();
      expect(weightValues(trained.model)).toEqual(before);
      expect(tf.memory().numTensors).toBe(numTensors);
    }));
});

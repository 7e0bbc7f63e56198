import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../../src/epoch-record.js';
import { HistoryBlocks } from '../../src/format/history-blocks.js';
import { readRecords } from '../../src/format/history-text.js';
import type { SharedShard } from '../../src/stores/store.js';
import { EntropyCheckpoint, loadCheckpoint, MemoryStore } from '../../src/index.js';
import { rejection } from '../support/errors.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { expectNoTensorsLeft, makeModel, useTempFolder, weightValues } from '../support/fixtures.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** Every kind of value that a record can hold. */
function recordOf(epoch: number): EpochRecord {
  const values = [null, NaN, -0, Infinity, 0.1 + epoch, 2 / 3];
  return {
    epoch,
    fit: epoch % 2,
    isBest: epoch % 3 === 0,
    entropy: values[epoch % 6]!,
    trainEntropy: -Infinity,
    valEntropy: null,
    ...(epoch % 4 === 0 ? { valChanges: null } : {}),
    value: values[(epoch + 1) % 6]!,
    logs: { loss: NaN, 'größe "\n"': epoch / 7, 7: -0 },
  };
}

const historyOf = (numEpochs: number): EpochRecord[] =>
  Array.from({ length: numEpochs }, (_, i) => recordOf(i));

async function bytesOf(shards: readonly SharedShard[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(shards.map((shard) => shard.bytes())));
}

function read(bytes: Uint8Array, numRecords: number): Promise<EpochRecord[] | null> {
  const reader = (position: number, into: Uint8Array): Promise<void> => {
    into.set(bytes.subarray(position, position + into.length));
    return Promise.resolve();
  };
  return readRecords(reader, bytes.length, numRecords);
}

describe('the blocks of a history', () => {
  test.each([0, 1, 31, 32, 33, 127, 128, 2047, 2048, 2700, 8192 + 2048 + 35])(
    'hold the first of %i epochs, and the manifest fewer than 32 after them',
    async (numEpochs) => {
      const history = historyOf(numEpochs + 5);
      const { numEarlier, recent, shards } = new HistoryBlocks().upTo(history, numEpochs);
      const bytes = await bytesOf(await shards());
      const earlier = await read(bytes, numEarlier);
      expect([...earlier!, ...recent]).toEqual(history.slice(0, numEpochs));
      expect(recent.length).toBeLessThan(32);
      expect(bytes.length % 4).toBe(0);
    },
  );

  test('are few, and equal where histories begin with the same epochs', async () => {
    const history = historyOf(20_000);
    const blocks = new HistoryBlocks();
    const namesOf = async (numEpochs: number): Promise<string[]> =>
      (await blocks.upTo(history, numEpochs).shards()).map(({ sha256 }) => sha256);
    // Of 8192, 8192, 2048, 512, 512, 512 and 32 epochs.
    const names = await namesOf(20_000);
    expect(names).toHaveLength(7);
    expect((await namesOf(19_990)).slice(0, 6)).toEqual(names.slice(0, 6));
    expect(await new HistoryBlocks().upTo(historyOf(20_000), 20_000).shards()).toMatchObject(
      names.map((sha256) => ({ sha256 })),
    );
  });

  test('are encoded once', async () => {
    const history = historyOf(700);
    const stringify = jest.spyOn(JSON, 'stringify');
    const blocks = new HistoryBlocks();
    await blocks.upTo(history, 639).shards();
    expect(stringify).toHaveBeenCalledTimes(608);
    await blocks.upTo(history, 640).shards();
    expect(stringify).toHaveBeenCalledTimes(608 + 128);
    await blocks.upTo(history, 650).shards();
    expect(stringify).toHaveBeenCalledTimes(608 + 128);
  });

  test('of another history are encoded anew', async () => {
    const blocks = new HistoryBlocks();
    const [first] = await blocks.upTo(historyOf(32), 32).shards();
    const other = historyOf(32).map((record) => ({ ...record, isBest: !record.isBest }));
    const [second] = await blocks.upTo(other, 32).shards();
    expect(second!.sha256).not.toBe(first!.sha256);
  });
});

describe('bytes that are not a history are refused:', () => {
  const line = `${JSON.stringify({
    ...{ epoch: 0, fit: 0, isBest: true, entropy: 1, trainEntropy: null, valEntropy: null, value: 1 },
    logs: {},
  })}\n`;

  test('one is read', async () => {
    expect(await read(Buffer.from(`${line}\n\n${line}\n`), 2)).toHaveLength(2);
  });

  test.each([
    ['fewer records', line, 2],
    ['more records', line + line, 1],
    ['a line without an end', line + line.trimEnd(), 2],
    ['no JSON', `${line}{`, 1],
    ['another value', `${line}[]\n`, 2],
    ['another field', line.replace('"fit"', '"fits"'), 1],
    ['a key __proto__', line.replace('{}', '{"__proto__":1}'), 1],
    ['a key __proto__ in a log', line.replace('{}', '{"a":{"__proto__":1}}'), 1],
    ['invalid UTF-8', Buffer.concat([Buffer.from(line.slice(0, -3)), Buffer.from([0xff, 10])]), 1],
  ])('%s', async (_name, text, numRecords) => {
    expect(await read(Buffer.from(text), numRecords)).toBeNull();
  });

  test('a line that is too long, before it is read to its end', async () => {
    let positions = 0;
    const reader = (_position: number, into: Uint8Array): Promise<void> => {
      positions += into.length;
      into.fill(0x20);
      return Promise.resolve();
    };
    expect(await readRecords(reader, 2 ** 28, 1)).toBeNull();
    expect(positions).toBeLessThan(2 ** 22);
  });
});

describe('a training of many epochs', () => {
  const folder = useTempFolder();

  /** Trains for `numEpochs`, the last one being the best, and stores it. */
  async function train(filepath: string | MemoryStore | tf.io.IOHandler, numEpochs: number) {
    const model = makeModel('adam');
    const options = { filepath, monitor: 'acc' } as const;
    const checkpoint = new EntropyCheckpoint(model, model.optimizer, options);
    for (let epoch = 0; epoch < numEpochs; epoch++) {
      const acc = epoch === 0 || epoch === numEpochs - 1 ? epoch : -1;
      await checkpoint.saveCheckpoint(epoch, { acc, loss: 1 / epoch });
    }
    await checkpoint.flush();
    return { model, checkpoint };
  }

  async function resume(filepath: string | MemoryStore | tf.io.IOHandler) {
    const model = makeModel('adam', { seed: 9 });
    const checkpoint = new EntropyCheckpoint(model, model.optimizer, { filepath, monitor: 'acc' });
    const { initialEpoch } = await checkpoint.resume();
    return { model, checkpoint, initialEpoch };
  }

  test.each([31, 32, 33, 300])('of %i is resumed with all of them from a folder', async (numEpochs) => {
    await expectNoTensorsLeft(async () => {
      const before = await train(folder(), numEpochs);
      before.checkpoint.dispose();
      const after = await resume(folder());
      expect(after.initialEpoch).toBe(numEpochs);
      expect(after.checkpoint.history).toEqual(before.checkpoint.history);
      expect(weightValues(after.model)).toEqual(weightValues(before.model));
      after.checkpoint.dispose();
      disposeTrained(before.model);
      disposeTrained(after.model);
    });
  });

  test('is read by tf.loadLayersModel from a handler, and resumed from it', async () => {
    await expectNoTensorsLeft(async () => {
      let stored: tf.io.ModelArtifacts | null = null;
      const handler: tf.io.IOHandler = {
        save(artifacts) {
          stored = artifacts;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' },
          });
        },
        load: () => Promise.resolve(stored!),
      };
      const before = await train(handler, 100);
      before.checkpoint.dispose();
      const loaded = await tf.loadLayersModel(handler);
      expect(weightValues(loaded)).toEqual(weightValues(before.model));
      const after = await resume(handler);
      expect(after.checkpoint.history).toEqual(before.checkpoint.history);
      after.checkpoint.dispose();
      loaded.dispose();
      disposeTrained(before.model);
      disposeTrained(after.model);
    });
  });

  test('has its earlier epochs covered by checksums', async () => {
    await expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      const { model, checkpoint } = await train(store, 100);
      checkpoint.dispose();
      const load = store.load.bind(store);
      jest.spyOn(store, 'load').mockImplementation(async (slot) => {
        const stored = (await load(slot))!;
        const sizeBytes = stored.manifest.shards.reduce((sum, shard) => sum + shard.sizeBytes, 0);
        const readStored = stored.read.bind(stored);
        stored.read = async (position, bytes) => {
          await readStored(position, bytes);
          const changed = sizeBytes - 5 - position;
          if (changed >= 0 && changed < bytes.length) bytes[changed]! ^= 1;
        };
        return stored;
      });
      const before = weightValues(model);
      const error = await rejection(loadCheckpoint(store, { model }));
      expect(error).toMatchObject({ code: 'ENTROPY_CORRUPT_CHECKPOINT' });
      expect(weightValues(model)).toEqual(before);
      disposeTrained(model);
    });
  });
});

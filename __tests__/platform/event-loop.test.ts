import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nextTurn, Pacer } from '../../src/platform/event-loop.js';
import { ShardReader } from '../../src/format/shard-reader.js';

let timeMs = 0;

beforeEach(() => {
  timeMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => timeMs);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** How many turns the event loop takes while `work` runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  const watch = { turns: 0, isOver: false };
  const count = () => {
    if (watch.isOver) return;
    watch.turns++;
    setImmediate(count);
  };
  await work();
  watch.turns = 0;
  setImmediate(count);
  await work();
  watch.isOver = true;
  return watch.turns;
}

describe('Pacer', () => {
  it('does not interrupt short work', async () => {
    const turns = await turnsDuring(async () => {
      const pacer = new Pacer();
      for (let step = 0; step < 100; step++) await pacer.yieldIfDue();
    });
    expect(turns).toBe(0);
  });

  it('yields every few milliseconds during long work', async () => {
    const turns = await turnsDuring(async () => {
      const pacer = new Pacer();
      for (let step = 0; step < 100; step++) {
        timeMs += 1;
        await pacer.yieldIfDue();
      }
    });
    expect(turns).toBe(25);
  });

  it('yields while many small weights are read from a backend that reads synchronously', async () => {
    const weights = Array.from({ length: 200 }, (_, i) => tf.fill([10], i));
    const buffer = new Uint8Array(200 * 40);
    const { backend } = tf.engine();
    const readSync = backend.readSync.bind(backend);
    backend.readSync = (dataId) => {
      timeMs += 1;
      return readSync(dataId);
    };
    try {
      const turns = await turnsDuring(() => new ShardReader(weights).read(buffer));
      // Computing the checksum may take one more.
      expect(turns).toBeGreaterThanOrEqual(50);
    } finally {
      // Restores the method of the class.
      Reflect.deleteProperty(backend, 'readSync');
      tf.dispose(weights);
    }
    expect(tf.memory().numTensors).toBe(0);
    expect(new Float32Array(buffer.buffer)[1999]).toBe(199);
  });
});

describe('nextTurn', () => {
  it.each([
    ['in Node', []],
    ['without `setImmediate`, as in a browser', ['setImmediate']],
    ['with timers alone, as in jsdom', ['setImmediate', 'MessageChannel']],
  ] as const)('takes a turn of the event loop %s', async (_name, missing: readonly string[]) => {
    const originals = missing.map((name) => [name, Reflect.get(globalThis, name) as unknown] as const);
    for (const name of missing) Reflect.deleteProperty(globalThis, name);
    const order: string[] = [];
    try {
      const turn = nextTurn().then(() => order.push('turn'));
      await Promise.resolve().then(() => order.push('microtask'));
      await turn;
    } finally {
      for (const [name, value] of originals) Reflect.set(globalThis, name, value);
    }
    expect(order).toEqual(['microtask', 'turn']);
  });
});

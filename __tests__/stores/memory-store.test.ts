import { describe, expect, it, jest } from '@jest/globals';
import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import { checkpointOfStep, stepOf } from './fixtures/checkpoints.js';
import { rejection } from '../support/errors.js';

describe('MemoryStore', () => {
  it('stores several checkpoints of several large shards', async () => {
    const store = new MemoryStore();
    await store.save(checkpointOfStep(1, 1_500_000), { into: ['best'], keep: [] });
    await store.save(checkpointOfStep(2, 1_500_000), { into: ['last'], keep: ['best'] });
    expect(await stepOf(await store.load('best'), 1_500_000)).toBe(1);
    expect(await stepOf(await store.load('last'), 1_500_000)).toBe(2);
  });

  it('shares nothing with another MemoryStore', async () => {
    const [one, two] = [new MemoryStore(), new MemoryStore()];
    await one.open();
    await two.open();
    await one.save(checkpointOfStep(1), { into: ['best'], keep: [] });
    expect(await two.slots()).toEqual([]);
    one.close();
    two.close();
  });

  it('refuses a second training that was given the same object', async () => {
    const store = new MemoryStore();
    await store.open();
    const error = await rejection(store.open());
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(error.message).toContain('memory');
    store.close();
    await store.open();
  });

  it('stores a shard once, however many checkpoints share it', async () => {
    const store = new MemoryStore();
    const keep: CheckpointSlot[] = ['best', 'last', 'epoch-1'];
    await store.save(checkpointOfStep(1, 1_500_000), { into: ['best'], keep });
    const copying = jest.spyOn(Uint8Array.prototype, 'slice');
    await store.save(checkpointOfStep(1, 1_500_000), { into: ['last'], keep });
    expect(copying).not.toHaveBeenCalled();
    await store.save(checkpointOfStep(2, 1_500_000), { into: ['epoch-1'], keep });
    expect(copying.mock.calls.length).toBeGreaterThan(0);
    copying.mockRestore();
    for (const [slot, step] of [
      ['best', 1],
      ['last', 1],
      ['epoch-1', 2],
    ] as const) {
      expect(await stepOf(await store.load(slot), 1_500_000)).toBe(step);
    }
  });
});

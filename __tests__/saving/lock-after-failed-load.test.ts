import { it } from '@jest/globals';
import { EntropyCheckpoint, EntropyCheckpointError, MemoryStore } from '../../src/index.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import { rejection } from '../support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeModel } from '../support/fixtures.js';

class UnreadableStore extends MemoryStore {
  isUnreadable = false;

  override load(slot: CheckpointSlot): ReturnType<MemoryStore['load']> {
    return this.isUnreadable
      ? Promise.reject(new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'EIO'))
      : super.load(slot);
  }
}

it('a load that fails releases the store, as one that succeeds does', () =>
  expectNoTensorsLeft(async () => {
    const store = new UnreadableStore();
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store, monitor: 'val_acc' });
    await checkpoint.saveCheckpoint(0, { val_acc: 0.5 });
    await checkpoint.flush();
    store.isUnreadable = true;
    await rejection(checkpoint.loadCheckpoint());
    store.isUnreadable = false;
    await store.open();
    store.close();
    checkpoint.dispose();
    disposeModel(model);
  }));

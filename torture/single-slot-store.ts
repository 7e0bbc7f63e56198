import { FileStore } from '../src/stores/file/file-store.js';
import type { CheckpointStore, CheckpointSlot } from '../src/stores/store.js';

/** A store that reads one slot of a folder, and has no other slot to fall back to. */
export function singleSlotStore(folder: string, slot: CheckpointSlot): CheckpointStore {
  const store = new FileStore(folder);
  const refuse = (): Promise<never> => Promise.reject(new Error('This store is read-only.'));
  return {
    name: `slot "${slot}" of ${store.name}`,
    capacity: 'one',
    open: refuse,
    save: refuse,
    slots: () => Promise.resolve(['best']),
    load: () => store.load(slot),
    close: () => undefined,
  };
}

import { FileStore } from '../src/stores/file/file-store.js';
import type { CheckpointStore, CheckpointSlot } from '../src/stores/store.js';

/** One slot of a folder, to be read as if there were no other to fall back to. */
export function oneSlot(folder: string, slot: CheckpointSlot): CheckpointStore {
  const store = new FileStore(folder);
  const refuse = (): Promise<never> => Promise.reject(new Error('Expected only to be read.'));
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

import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointSource, SlotUpdate } from '../../src/stores/store.js';
import { turns } from './until.js';

/** When a save fails: before anything is read, after everything was read, or when it's stored already. */
export type Fault = 'early' | 'late' | 'stored';

/** A store in memory that is slow, and full for a while. It writes one checkpoint after the other, as every store does. */
export class FaultyStore extends MemoryStore {
  /** null: saves succeed. */
  fault: Fault | null = null;
  /** For how many turns of the event loop a save waits. */
  delay = 0;
  /** Whether the save with this number fails, counted from 0. */
  isFullAt: (save: number) => boolean = () => false;
  /** How many saves have begun. */
  saves = 0;

  override async save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    let isFull = false;
    const fail = (fault: Fault): void => {
      if (isFull || this.fault === fault) throw new Error('ENOSPC: no space left on device');
    };
    await super.save(
      {
        ...checkpoint,
        readShard: async (buffer) => {
          if (this.delay > 0) await turns(this.delay);
          isFull = this.isFullAt(this.saves++);
          fail('early');
          return checkpoint.readShard(buffer);
        },
        manifest: async () => {
          fail('late');
          return checkpoint.manifest();
        },
      },
      update,
    );
    fail('stored');
  }
}

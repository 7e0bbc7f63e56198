import { checkpointOfStep } from '../../__tests__/stores/fixtures/checkpoints.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { leftoversIn } from '../stored-files.js';
import { nextOrder, report } from './inside-child.js';
import { slotUpdateOf, sizeOf } from './numbered-saves.js';

// Saves one checkpoint after the other.

export interface SavingOrder {
  readonly folder: string;
  /** The number of the first save. */
  readonly first: number;
  /** null: until it is killed. */
  readonly maxSaves: number | null;
}

/** A line; each has some of these. */
export interface SavingReport {
  readonly ready: true;
  readonly claimedAtMs: number;
  /** In the folder, while nothing is being written. */
  readonly leftovers: readonly string[];
  /** Of the save that has been completed. */
  readonly saved: number;
}

const { folder, first, maxSaves } = await nextOrder<SavingOrder>();
const store = new FileStore(folder);
await store.open();
report({ claimedAtMs: Date.now(), leftovers: leftoversIn(folder) });
for (let step = first; maxSaves === null || step < first + maxSaves; step++) {
  await store.save(checkpointOfStep(step, sizeOf(step)), slotUpdateOf(step));
  report({ saved: step, ...(step === first && { leftovers: leftoversIn(folder) }) });
}
store.close();
process.disconnect();

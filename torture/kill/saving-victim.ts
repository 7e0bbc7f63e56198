import { checkpointOfStep } from '../../__tests__/stores/fixtures/checkpoints.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { leftoversIn } from '../stored-files.js';
import { waitForOrder, report } from './parent-channel.js';
import { slotUpdateOf, sizeFloatsOf } from './numbered-saves.js';

// Saves one checkpoint after another.

export interface SavingOrder {
  readonly folder: string;
  /** The number of the first save. */
  readonly first: number;
  /** null: saves until it is killed. */
  readonly maxSaves: number | null;
}

/** One line to the parent. Each line has some of these fields. */
export interface SavingReport {
  readonly ready: true;
  readonly lockedAtMs: number;
  /** Leftovers in the folder, while nothing is being written. */
  readonly leftovers: readonly string[];
  /** The number of the save that is complete. */
  readonly saved: number;
}

const { folder, first, maxSaves } = await waitForOrder<SavingOrder>();
const store = new FileStore(folder);
await store.open();
report({ lockedAtMs: Date.now(), leftovers: leftoversIn(folder) });
for (let step = first; maxSaves === null || step < first + maxSaves; step++) {
  await store.save(checkpointOfStep(step, sizeFloatsOf(step)), slotUpdateOf(step));
  report({ saved: step, ...(step === first && { leftovers: leftoversIn(folder) }) });
}
store.close();
process.disconnect();

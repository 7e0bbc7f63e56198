import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openBackend } from '../../backends/open-backend.js';
import type { PauseSample, PauseSize, SnapshotSample } from '../inside/saving/pause.js';
import { BACKENDS } from '../names.js';
import { measureRounds, valuesOf } from '../rounds.js';
import { estimate } from '../statistics.js';
import type { PauseMode, SavingBackend } from './names.js';
import type { PauseResult } from './results.js';
import { SAVING_ENTRY, withTemporaryFolder } from './environment.js';

export interface PausePlan {
  /** The number of weights. Each takes 100 kB. */
  readonly weights: number;
  /** How long a measurement takes. It takes longer if the save does. */
  readonly forMs: number;
  readonly rounds: number;
}

const MODES: readonly PauseMode[] = ['bare', 'saving'];

/** Measures pauses in a new process. @param onOpen is called with the backend's description. */
export async function benchmarkPause(
  backend: SavingBackend,
  { weights, forMs, rounds: count }: PausePlan,
  parent: string,
  onOpen: (description: string) => void,
): Promise<PauseResult> {
  return withTemporaryFolder(parent, async (folder) => {
    const open = await openBackend(BACKENDS[backend], SAVING_ENTRY);
    try {
      onOpen(open.description);
      const size = await open.call<PauseSize>('preparePause', weights, join(folder, 'checkpoint'));
      const measure = (mode: PauseMode): Promise<PauseSample> => open.call('measurePause', mode, forMs);
      // The first run compiles.
      for (const mode of MODES) await measure(mode);
      const rounds = await measureRounds({
        turns: MODES.map((name) => ({ name, every: 1 })),
        measure,
        isSettled: () => false,
        minRounds: count,
        maxRounds: count,
        budgetMs: 0,
      });
      const snapshots: SnapshotSample[] = [];
      while (snapshots.length < count) snapshots.push(await open.call<SnapshotSample>('measureSnapshot'));
      const added = valuesOf(rounds, ['saving', 'bare'], (saving, bare) => saving.longestMs - bare.longestMs);
      return { backend, size, added: estimate(added, seedrandom.alea('bootstrap')), rounds, snapshots };
    } finally {
      await open.close();
    }
  });
}

import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openBackend } from '../../backends/open-backend.js';
import type { PauseSample, PauseSize, SnapshotSample } from '../inside/saving/pause.js';
import { BACKENDS } from '../names.js';
import { measureRounds, valuesOf } from '../rounds.js';
import { estimate } from '../statistics.js';
import type { PauseWay, SavingBackend } from './names.js';
import type { PauseResult } from './results.js';
import { SAVING_ENTRY, withTemporaryFolder } from './surroundings.js';

export interface PausePlan {
  /** Of 100 kB each. */
  readonly weights: number;
  /** How long a measurement takes, and longer where the save does. */
  readonly forMs: number;
  readonly rounds: number;
}

const WAYS: readonly PauseWay[] = ['bare', 'saving'];

/** In a process of its own. @param announce is given the backend's description. */
export async function benchmarkPause(
  backend: SavingBackend,
  { weights, forMs, rounds: count }: PausePlan,
  parent: string,
  announce: (description: string) => void,
): Promise<PauseResult> {
  return withTemporaryFolder(parent, async (folder) => {
    const open = await openBackend(BACKENDS[backend], SAVING_ENTRY);
    try {
      announce(open.description);
      const size = await open.call<PauseSize>('preparePause', weights, join(folder, 'checkpoint'));
      const measure = (way: PauseWay): Promise<PauseSample> => open.call('measurePause', way, forMs);
      // Compiles.
      for (const way of WAYS) await measure(way);
      const rounds = await measureRounds({
        turns: WAYS.map((name) => ({ name, every: 1 })),
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

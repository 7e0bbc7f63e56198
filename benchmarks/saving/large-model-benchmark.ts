import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend, type OpenBackend } from '../../backends/open-backend.js';
import type { LargeSize } from '../inside/saving/large-model.js';
import type { Resident } from '../inside/saving/peak-resident.js';
import { BACKENDS } from '../names.js';
import { measureRounds, type Round } from '../rounds.js';
import { OWN_WAYS, READ_WAYS, WRITE_WAYS, type OwnWay, type ReadWay, type WriteWay } from './names.js';
import type { LargeModelResult } from './results.js';
import { dropFileCache, SAVING_ENTRY, withTemporaryFolder } from './surroundings.js';

export interface LargeModelPlan {
  readonly weights: number;
  /** A weight is `[units, units]`. */
  readonly units: number;
  readonly rounds: number;
  /** For the memory: when a process collects its garbage differs from run to run. */
  readonly runs: number;
  /** Whether to empty the system's cache of files, where this can be done. */
  readonly coldReads: boolean;
}

/** On cpu in Node: there a weight is an array of the process, and nothing else takes time or memory. */
export async function benchmarkLargeModel(plan: LargeModelPlan, parent: string): Promise<LargeModelResult> {
  return withTemporaryFolder(parent, async (folder) => {
    const checkpoint = join(folder, 'checkpoint');
    const resident = await measureResident(plan, checkpoint);
    const open = await openBackend(BACKENDS.cpu, SAVING_ENTRY);
    try {
      const size = await open.call<LargeSize>('prepareLarge', plan.weights, plan.units);
      const readCold = plan.coldReads ? await measureReads(open, plan, checkpoint, 'cold') : [];
      const readWarm = await measureReads(open, plan, checkpoint, 'warm');
      rmSync(checkpoint, { recursive: true });
      return { size, written: await measureWrites(open, plan, folder), readCold, readWarm, resident };
    } finally {
      await open.close();
    }
  });
}

/** @param folder is left with a checkpoint. */
async function measureResident(
  { weights, units, runs }: LargeModelPlan,
  folder: string,
): Promise<LargeModelResult['resident']> {
  const resident: Record<OwnWay, Resident[]> = { save: [], 'load-new': [], 'load-given': [] };
  for (let run = 0; run < runs; run++) {
    for (const way of OWN_WAYS) {
      // In a process of its own, as a process never gives memory back.
      const open = await openBackend(BACKENDS.cpu, SAVING_ENTRY);
      try {
        if (way !== 'load-new') await open.call('prepareLarge', weights, units);
        const measured = await open.call<Resident | null>('residentOfLarge', way, folder);
        if (measured !== null) resident[way].push(measured);
      } finally {
        await open.close();
      }
    }
  }
  return resident;
}

function measureWrites(
  open: OpenBackend,
  { rounds }: LargeModelPlan,
  folder: string,
): Promise<Round<WriteWay, number>[]> {
  return measureInTurn(WRITE_WAYS, rounds, async (way) => {
    const place = join(folder, way);
    const timeMs = await open.call<number>('timeLarge', way, place);
    rmSync(place, { recursive: true });
    return timeMs;
  });
}

/** @returns none where they cannot be cold. */
async function measureReads(
  open: OpenBackend,
  { rounds }: LargeModelPlan,
  folder: string,
  cache: 'cold' | 'warm',
): Promise<Round<ReadWay, number>[]> {
  if (cache === 'cold' && !dropFileCache()) return [];
  if (cache === 'warm') await open.call('timeLarge', 'read', folder);
  return measureInTurn(READ_WAYS, rounds, (way) => {
    if (cache === 'cold') dropFileCache();
    return open.call<number>('timeLarge', way, folder);
  });
}

function measureInTurn<Way extends string>(
  ways: readonly Way[],
  count: number,
  measure: (way: Way) => Promise<number>,
): Promise<Round<Way, number>[]> {
  return measureRounds({
    turns: ways.map((name) => ({ name, every: 1 })),
    measure,
    isSettled: () => false,
    minRounds: count,
    maxRounds: count,
    budgetMs: 0,
  });
}

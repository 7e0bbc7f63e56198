import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend, type OpenBackend } from '../../backends/open-backend.js';
import type { LargeSize } from '../inside/saving/large-model.js';
import type { ResidentSet } from '../inside/saving/resident-set.js';
import { BACKENDS } from '../names.js';
import { measureRounds, type Round } from '../rounds.js';
import {
  PACKAGE_METHODS,
  READ_METHODS,
  WRITE_METHODS,
  type PackageMethod,
  type ReadMethod,
  type WriteMethod,
} from './names.js';
import type { LargeModelResult } from './results.js';
import { dropFileCache, SAVING_ENTRY, withTemporaryFolder } from './environment.js';

export interface LargeModelPlan {
  readonly weights: number;
  /** The shape of a weight is `[units, units]`. */
  readonly units: number;
  readonly rounds: number;
  /** Runs of each memory measurement: when a process collects garbage differs from run to run. */
  readonly runs: number;
  /** Whether to measure with an empty file cache as well, if the system allows it. */
  readonly coldReads: boolean;
}

/** Measures on cpu in Node: there a weight is an array of the process, and nothing else takes time or memory. */
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

/** @param folder holds a checkpoint afterwards. */
async function measureResident(
  { weights, units, runs }: LargeModelPlan,
  folder: string,
): Promise<LargeModelResult['resident']> {
  const resident: Record<PackageMethod, ResidentSet[]> = { save: [], 'load-new': [], 'load-given': [] };
  for (let run = 0; run < runs; run++) {
    for (const method of PACKAGE_METHODS) {
      // In a new process, because a process does not return memory to the system.
      const open = await openBackend(BACKENDS.cpu, SAVING_ENTRY);
      try {
        if (method !== 'load-new') await open.call('prepareLarge', weights, units);
        const measured = await open.call<ResidentSet | null>('residentOfLarge', method, folder);
        if (measured !== null) resident[method].push(measured);
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
): Promise<Round<WriteMethod, number>[]> {
  return measureInTurn(WRITE_METHODS, rounds, async (method) => {
    const path = join(folder, method);
    const timeMs = await open.call<number>('timeLarge', method, path);
    rmSync(path, { recursive: true });
    return timeMs;
  });
}

/** @returns no rounds if the file cache cannot be emptied. */
async function measureReads(
  open: OpenBackend,
  { rounds }: LargeModelPlan,
  folder: string,
  cache: 'cold' | 'warm',
): Promise<Round<ReadMethod, number>[]> {
  if (cache === 'cold' && !dropFileCache()) return [];
  if (cache === 'warm') await open.call('timeLarge', 'read', folder);
  return measureInTurn(READ_METHODS, rounds, (method) => {
    if (cache === 'cold') dropFileCache();
    return open.call<number>('timeLarge', method, folder);
  });
}

function measureInTurn<Method extends string>(
  methods: readonly Method[],
  count: number,
  measure: (method: Method) => Promise<number>,
): Promise<Round<Method, number>[]> {
  return measureRounds({
    turns: methods.map((name) => ({ name, every: 1 })),
    measure,
    isSettled: () => false,
    minRounds: count,
    maxRounds: count,
    budgetMs: 0,
  });
}

import type { LargeModelPlan } from './large-model-benchmark.js';
import { SAVING_BACKENDS } from './names.js';
import type { BackendLabel } from '../names.js';
import { benchmarkPause, type PausePlan } from './pause-benchmark.js';
import type { PauseResult, SaveFitResult, SavingResults } from './results.js';
import { benchmarkSaveFit, type SaveFitPlan } from './save-fit-benchmark.js';

export interface SavingPlan {
  readonly fit: SaveFitPlan;
  readonly pause: PausePlan;
  readonly large: LargeModelPlan;
}

export const QUICK_SAVING_PLAN: SavingPlan = {
  fit: { epochMs: null, epochs: 2, minRounds: 1, maxRounds: 1, budgetMs: 0 },
  pause: { weights: 30, forMs: 100, rounds: 1 },
  large: { weights: 3, units: 512, rounds: 1, runs: 1, coldReads: false },
};

/** @param budget seconds for the rounds of `fit` on one backend. */
export function savingPlan(budget: number): SavingPlan {
  return {
    fit: { epochMs: 4000, epochs: 8, minRounds: 4, maxRounds: 100, budgetMs: budget * 1000 },
    pause: { weights: 2000, forMs: 2000, rounds: 11 },
    large: { weights: 16, units: 4096, rounds: 7, runs: 3, coldReads: true },
  };
}

export interface SavingSurroundings {
  readonly backends: readonly BackendLabel[];
  /** Where what is saved is written; it is removed. */
  readonly folder: string;
  readonly announce: (backend: BackendLabel, description: string) => void;
  /** Measures, and tells of what fails. */
  readonly attempt: (name: string, measure: () => Promise<void>) => Promise<void>;
}

export type SaveResults = Pick<SavingResults, 'fits' | 'pauses'>;

/** One after the other, each in a process of its own. */
export async function benchmarkSaves(
  { fit, pause }: SavingPlan,
  { backends, folder, announce, attempt }: SavingSurroundings,
): Promise<SaveResults> {
  const results = { fits: [] as SaveFitResult[], pauses: [] as PauseResult[] };
  for (const backend of SAVING_BACKENDS.filter((name) => backends.includes(name))) {
    const tell = (description: string): void => {
      announce(backend, description);
    };
    await attempt(`fit with saves on ${backend}`, async () => {
      results.fits.push(await benchmarkSaveFit(backend, fit, folder, tell));
    });
    await attempt(`pauses on ${backend}`, async () => {
      results.pauses.push(await benchmarkPause(backend, pause, folder, tell));
    });
  }
  return results;
}

import type { LargeModelPlan } from './large-model-benchmark.js';
import type { LongTrainingPlan } from './long-training-benchmark.js';
import { SAVING_BACKENDS } from './names.js';
import type { BackendLabel } from '../names.js';
import { benchmarkPause, type PausePlan } from './pause-benchmark.js';
import type { PauseResult, SaveFitResult, SavingResults } from './results.js';
import { benchmarkSaveFit, type SaveFitPlan } from './save-fit-benchmark.js';

export interface SavingPlan {
  readonly fit: SaveFitPlan;
  readonly pause: PausePlan;
  readonly long: LongTrainingPlan;
  readonly large: LargeModelPlan;
}

export const QUICK_SAVING_PLAN: SavingPlan = {
  fit: { epochMs: null, epochs: 2, minRounds: 1, maxRounds: 1, budgetMs: 0 },
  pause: { weights: 30, forMs: 100, rounds: 1 },
  long: { epochs: { short: 10, long: 100 }, maxToKeep: [1, 5], saves: 2, rounds: 1 },
  large: { weights: 3, units: 512, rounds: 1, runs: 1, coldReads: false },
};

/** @param budget for the rounds of `fit` on one backend, in seconds. */
export function savingPlan(budget: number): SavingPlan {
  return {
    fit: { epochMs: 4000, epochs: 3, minRounds: 3, maxRounds: 100, budgetMs: budget * 1000 },
    pause: { weights: 2000, forMs: 2000, rounds: 7 },
    long: { epochs: { short: 10, long: 20_000 }, maxToKeep: [1, 200], saves: 32, rounds: 15 },
    large: { weights: 16, units: 4096, rounds: 7, runs: 3, coldReads: true },
  };
}

export interface SavingContext {
  readonly backends: readonly BackendLabel[];
  /** Checkpoints are written to a temporary folder in it. */
  readonly folder: string;
  readonly onOpen: (backend: BackendLabel, description: string) => void;
  /** Measures, and reports a failure. */
  readonly attempt: (name: string, measure: () => Promise<void>) => Promise<void>;
}

export type SaveResults = Pick<SavingResults, 'fits' | 'pauses'>;

/** Runs the measurements one after another, each in a new process. */
export async function benchmarkSaving(
  { fit, pause }: SavingPlan,
  { backends, folder, onOpen, attempt }: SavingContext,
): Promise<SaveResults> {
  const results = { fits: [] as SaveFitResult[], pauses: [] as PauseResult[] };
  for (const backend of SAVING_BACKENDS.filter((name) => backends.includes(name))) {
    const onBackendOpen = (description: string): void => {
      onOpen(backend, description);
    };
    await attempt(`fit with saves on ${backend}`, async () => {
      results.fits.push(await benchmarkSaveFit(backend, fit, folder, onBackendOpen));
    });
    await attempt(`pauses on ${backend}`, async () => {
      results.pauses.push(await benchmarkPause(backend, pause, folder, onBackendOpen));
    });
  }
  return results;
}

import { idOf, trainingsOf, type Grid, type TrainingSettings } from '../../../examples/sweep/settings.js';
import { textOf } from '../../../examples/sweep/training-result.js';
import { train } from '../../../examples/sweep/training.js';
import type { NewJob } from '../../../examples/sweep/queue/job-queue.js';

/** As short as a lease can be. */
export const LEASE_SECONDS = 3;

const SMALL: Grid = {
  data: ['blobs'],
  noise: ['symmetric-40'],
  seeds: [1],
  monitors: ['val_acc'],
  averageWeights: true,
  epochs: 6,
  rows: 160,
  batchSize: 16,
  learningRate: 0.005,
  backend: 'cpu',
};

/** Trainings of less than a second each. */
export function smallTrainings(grid: Partial<Grid> = {}): TrainingSettings[] {
  return trainingsOf({ ...SMALL, ...grid });
}

export function jobsOf(trainings: readonly TrainingSettings[]): NewJob<TrainingSettings>[] {
  return trainings.map((data) => ({ id: idOf(data), data }));
}

export function workerArgs(redis: string, store: string): string[] {
  return ['--redis', redis, '--store', store, '--lease-seconds', String(LEASE_SECONDS), '--backend', 'cpu'];
}

/** The texts of the results, by training: from this process, without queue and store, and without interruption. */
export async function undisturbedResults(
  trainings: readonly TrainingSettings[],
): Promise<Map<string, string>> {
  const results = new Map<string, string>();
  for (const settings of trainings) {
    const result = await train(settings, { filepath: null });
    results.set(idOf(settings), textOf(result!));
  }
  return results;
}

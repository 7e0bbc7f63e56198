import seedrandom from 'seedrandom';
import { openBackend } from '../../backends/open-backend.js';
import type { LongTrainingSample, LongTrainingSize } from '../inside/saving/long-training.js';
import { BACKENDS } from '../names.js';
import { measureRounds, valuesOf } from '../rounds.js';
import { estimate } from '../statistics.js';
import { SAVING_ENTRY, withTemporaryFolder } from './environment.js';
import type { TrainingLength } from './names.js';
import type { LongTrainingResult } from './results.js';

export interface LongTrainingPlan {
  /** How many epochs have ended before saves are measured. */
  readonly epochs: Readonly<Record<TrainingLength, number>>;
  readonly maxToKeep: readonly number[];
  /** How many saves a measurement makes. 32 epochs are a block of the history, so 32 saves write it once. */
  readonly saves: number;
  readonly rounds: number;
}

const LENGTHS: readonly TrainingLength[] = ['short', 'long'];

/** Measures what a save costs after few and after many epochs, on cpu, in a new process. */
export async function benchmarkLongTraining(
  { epochs, maxToKeep, saves, rounds: count }: LongTrainingPlan,
  parent: string,
): Promise<LongTrainingResult[]> {
  return withTemporaryFolder(parent, async (folder) => {
    const open = await openBackend(BACKENDS.cpu, SAVING_ENTRY);
    try {
      const results: LongTrainingResult[] = [];
      for (const kept of maxToKeep) {
        const prepare = (length: TrainingLength): Promise<LongTrainingSize> =>
          open.call('prepareLongTraining', length, epochs[length], kept, folder);
        const size = await prepare('long');
        const rounds = await measureRounds({
          turns: LENGTHS.map((name) => ({ name, every: 1 })),
          async measure(length): Promise<LongTrainingSample> {
            // Its epochs are few only at first.
            if (length === 'short') await prepare(length);
            return open.call('measureLongTraining', length, saves);
          },
          isSettled: () => false,
          minRounds: count,
          maxRounds: count,
          budgetMs: 0,
        });
        const ratios = valuesOf(rounds, ['long', 'short'], (long, short) => long.saveMs / short.saveMs);
        const ratio = estimate(ratios, seedrandom.alea('bootstrap'));
        results.push({ maxToKeep: kept, epochs, saves, size, ratio, rounds });
      }
      return results;
    } finally {
      await open.close();
    }
  });
}

import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { DISK_PLAN } from '../training/plans.js';
import { recordText } from '../training/reference.js';
import { checkpointOptions, disposeModel, fit, makeModel } from '../training/train.js';

/** When the fault ends. */
export const RECOVERIES = ['during training', 'before another `flush`', 'after training'] as const;
export type Recovery = (typeof RECOVERIES)[number];

/** The fault begins with this epoch: some epochs are stored by then, or none. */
export const FAULT_EPOCHS = [3, 0] as const;
/** The fault ends with the beginning of this epoch, unless it ends after training. */
const RECOVERY_EPOCH = 6;

/** Makes saves fail for a while. */
export interface Fault {
  begin(): void;
  end(): void;
}

/** What a training with a fault returned and threw. */
export interface Outcome {
  readonly records: readonly string[];
  /** The epochs that were kept at the end. */
  readonly kept: readonly number[];
  /** What `flush` threw just before the fault ended. */
  readonly flushError: Error | null;
  /** What `fit` threw. */
  readonly fitError: Error | null;
  /** What the last `flush` threw. */
  readonly lastError: Error | null;
}

/**
 * Trains with a folder that cannot be written for a while.
 *
 * @param inspect called just before the fault ends, once everything that could be written is written; and after it has
 *   ended, once everything is written. `epochs` is how many epochs there have been.
 */
export async function trainWithFault(
  folder: string,
  fault: Fault,
  { faultEpoch, recovery }: { faultEpoch: number; recovery: Recovery },
  inspect: (isDuringFault: boolean, epochs: number) => Promise<void>,
): Promise<Outcome> {
  const model = makeModel(DISK_PLAN);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(folder, DISK_PLAN));
  let flushError: Error | null = null;
  const endFault = async (epochs: number): Promise<void> => {
    flushError = await errorOf(checkpoint.flush());
    await inspect(true, epochs);
    fault.end();
  };
  const control = new tf.CustomCallback({
    onEpochBegin: async (epoch) => {
      if (epoch === faultEpoch) {
        await checkpoint.flush();
        fault.begin();
      } else if (epoch === RECOVERY_EPOCH && recovery !== 'after training') {
        await endFault(epoch);
        if (recovery === 'during training') return;
        await checkpoint.flush();
        await inspect(false, epoch);
      }
    },
  });
  const fitError = await errorOf(fit(model, DISK_PLAN, 0, [checkpoint, control]));
  if (recovery === 'after training') await endFault(DISK_PLAN.epochs);
  const lastError = await errorOf(checkpoint.flush());
  await inspect(false, DISK_PLAN.epochs);
  const kept = checkpoint.kept.map(({ epoch }) => epoch);
  checkpoint.dispose();
  disposeModel(model);
  return { records: checkpoint.history.map(recordText), kept, flushError, fitError, lastError };
}

function errorOf(action: Promise<unknown>): Promise<Error | null> {
  return action.then(
    () => null,
    (error: unknown) => error as Error,
  );
}

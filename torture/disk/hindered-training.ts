import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { DISK_PLAN } from '../training/plans.js';
import { recordText } from '../training/reference.js';
import { checkpointOptions, disposeModel, fit, makeModel } from '../training/train.js';

/** When what hinders the saves ends. */
export const ENDINGS = [
  'while training goes on',
  'before `flush` is called again',
  'after training',
] as const;
export type Ending = (typeof ENDINGS)[number];

/** The epoch that begins with the hindrance: nothing is stored by then, or some epochs are. */
export const HINDERED_EPOCHS = [3, 0] as const;
/** The epoch that begins with its end. */
const FREE_EPOCH = 6;

/** What makes saves fail, and what ends that. */
export interface Hindrance {
  begin(): void;
  end(): void;
}

/** What is to be looked at on the way. */
export interface Outcome {
  readonly records: readonly string[];
  /** What `flush` has thrown before the hindrance ended. */
  readonly flushError: Error | null;
  /** What `fit` has thrown. */
  readonly fitError: Error | null;
  /** What the last `flush` has thrown. */
  readonly lastError: Error | null;
}

/**
 * Trains with a folder that cannot be written for a while.
 *
 * @param look called when all has been written that could be, before the hindrance ends; and when it has ended
 *   and all is written: with the epochs that there have been.
 */
export async function trainHindered(
  folder: string,
  hindrance: Hindrance,
  { hinderedEpoch, ending }: { hinderedEpoch: number; ending: Ending },
  look: (isHindered: boolean, epochs: number) => Promise<void>,
): Promise<Outcome> {
  const model = makeModel(DISK_PLAN);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(folder, DISK_PLAN));
  let flushError: Error | null = null;
  const liftHindrance = async (epochs: number): Promise<void> => {
    flushError = await errorOf(checkpoint.flush());
    await look(true, epochs);
    hindrance.end();
  };
  const control = new tf.CustomCallback({
    onEpochBegin: async (epoch) => {
      if (epoch === hinderedEpoch) {
        await checkpoint.flush();
        hindrance.begin();
      } else if (epoch === FREE_EPOCH && ending !== 'after training') {
        await liftHindrance(epoch);
        if (ending === 'while training goes on') return;
        await checkpoint.flush();
        await look(false, epoch);
      }
    },
  });
  const fitError = await errorOf(fit(model, DISK_PLAN, 0, [checkpoint, control]));
  if (ending === 'after training') await liftHindrance(DISK_PLAN.epochs);
  const lastError = await errorOf(checkpoint.flush());
  await look(false, DISK_PLAN.epochs);
  checkpoint.dispose();
  disposeModel(model);
  return { records: checkpoint.history.map(recordText), flushError, fitError, lastError };
}

function errorOf(action: Promise<unknown>): Promise<Error | null> {
  return action.then(
    () => null,
    (error: unknown) => error as Error,
  );
}

import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EpochRecord } from '../../src/index.js';
import type { TrainingPlan } from './plans.js';
import { stateDigest } from './state-digest.js';
import { checkpointOptions, disposeModel, fit, makeModel } from './train.js';

/** What an uninterrupted training comes to after an epoch. */
export interface ReferenceEpoch {
  readonly record: string;
  readonly digest: string;
  readonly best: number;
  /** The best epochs, the best first. */
  readonly kept: readonly number[];
}

const references = new Map<TrainingPlan, Promise<readonly ReferenceEpoch[]>>();

/** Trains once without a store; the same ever after. */
export function referenceOf(plan: TrainingPlan): Promise<readonly ReferenceEpoch[]> {
  const reference = references.get(plan) ?? trainUninterrupted(plan);
  references.set(plan, reference);
  return reference;
}

/**
 * A record as text, to compare every bit of its numbers. Which `fit` it was is no matter, nor whether it was the
 * best by then: that depends on what is still stored.
 */
export function recordText({ epoch, entropy, trainEntropy, valEntropy, value }: EpochRecord): string {
  return JSON.stringify([epoch, entropy, trainEntropy, valEntropy, value]);
}

async function trainUninterrupted(plan: TrainingPlan): Promise<readonly ReferenceEpoch[]> {
  const model = makeModel(plan);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(null, plan));
  const epochs: ReferenceEpoch[] = [];
  const note = new tf.CustomCallback({
    onEpochEnd: async () => {
      const kept = checkpoint.kept.map(({ epoch }) => epoch);
      const digest = await stateDigest(model);
      epochs.push({ record: recordText(checkpoint.history.at(-1)!), digest, best: kept[0]!, kept });
    },
  });
  await fit(model, plan, 0, [checkpoint, note]);
  checkpoint.dispose();
  disposeModel(model);
  return epochs;
}

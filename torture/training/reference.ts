import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EpochRecord } from '../../src/index.js';
import type { TrainingPlan } from './plans.js';
import { stateDigest } from './state-digest.js';
import { checkpointOptions, disposeModel, fit, makeModel } from './train.js';

/** The result of one epoch of an uninterrupted training. */
export interface ReferenceEpoch {
  readonly record: string;
  readonly digest: string;
  readonly best: number;
  /** The best epochs, the best first. */
  readonly kept: readonly number[];
}

const references = new Map<TrainingPlan, Promise<readonly ReferenceEpoch[]>>();

/** Trains a plan without a store, once in this process. */
export function referenceOf(plan: TrainingPlan): Promise<readonly ReferenceEpoch[]> {
  const reference = references.get(plan) ?? trainUninterrupted(plan);
  references.set(plan, reference);
  return reference;
}

/**
 * A record as text, to compare every bit of its numbers. It leaves out the number of the `fit`, and whether the epoch
 * was the best so far: after a kill, both depend on what is still stored.
 */
export function recordText({ epoch, entropy, trainEntropy, valEntropy, value }: EpochRecord): string {
  return JSON.stringify([epoch, entropy, trainEntropy, valEntropy, value]);
}

async function trainUninterrupted(plan: TrainingPlan): Promise<readonly ReferenceEpoch[]> {
  const model = makeModel(plan);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(null, plan));
  const epochs: ReferenceEpoch[] = [];
  const recorder = new tf.CustomCallback({
    onEpochEnd: async () => {
      const kept = checkpoint.kept.map(({ epoch }) => epoch);
      const copyWeights = (): tf.Tensor[] => model.getWeights().map((weight) => tf.clone(weight));
      // What is stored is the average, where there's one.
      const weights = plan.averageWeights ? await checkpoint.withAverage(copyWeights) : copyWeights();
      const digest = await stateDigest(model, weights);
      tf.dispose(weights);
      epochs.push({ record: recordText(checkpoint.history.at(-1)!), digest, best: kept[0]!, kept });
    },
  });
  await fit(model, plan, 0, [checkpoint, recorder]);
  checkpoint.dispose();
  disposeModel(model);
  return epochs;
}

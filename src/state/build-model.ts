import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import type { CheckpointHead } from '../stores/store.js';
import { weightSizeBytes } from '../stores/weight-data.js';
import { functionalModel } from '../tfjs-internals.js';
import { guardArchitecture } from './guard-architecture.js';
import { watchParts } from './model-parts.js';

/**
 * A model of the stored architecture, not compiled, whose weights are zero until `fill` sets them.
 *
 * @returns the caller disposes it; it is gone if `fill` throws.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH` where it cannot be built: a custom layer that is not
 *   registered, or an architecture whose weights are not those that are stored; and what `fill` throws.
 */
export async function buildModel(
  head: CheckpointHead,
  fill: (model: tf.LayersModel) => Promise<void>,
): Promise<tf.LayersModel> {
  const { built, dispose } = build(head);
  try {
    const model = await complete(built, head);
    await fill(model);
    return model;
  } catch (error) {
    // Not by the model's own `dispose`, which forgets states, and weights of layers that stand in several places.
    dispose();
    throw error;
  }
}

/** @returns what has been built, by the time this returns; and what frees it. */
function build({ modelTopology, weightSpecs }: CheckpointHead): {
  built: Promise<unknown>;
  dispose: () => void;
} {
  const endGuard = guardArchitecture();
  const parts = watchParts(weightSpecs.reduce((total, spec) => total + weightSizeBytes(spec), 0));
  try {
    return { built: tf.models.modelFromJSON({ modelTopology }), dispose: parts.dispose };
  } finally {
    parts.endWatch();
    endGuard();
  }
}

async function complete(built: Promise<unknown>, { metadata }: CheckpointHead): Promise<tf.LayersModel> {
  const { entropyCheckpoint, ...userDefinedMetadata } = metadata;
  try {
    const model = await built;
    if (!(model instanceof tf.LayersModel)) throw new Error('It is no model.');
    // tfjs completes a Sequential when it is first used, and only then finds what is wrong with it.
    functionalModel(model);
    if (Object.keys(userDefinedMetadata).length > 0) model.setUserDefinedMetadata(userDefinedMetadata);
    return model;
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_MODEL_MISMATCH',
      `The stored architecture could not be built: ${String(cause)} Register its custom layers, or pass the \`model\`.`,
      { cause },
    );
  }
}

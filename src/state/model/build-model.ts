import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, excerpt } from '../../errors.js';
import { requireProportion, storedSizeOf } from '../../format/stored-size.js';
import type { CheckpointManifest } from '../../stores/store.js';
import { totalSizeBytes } from '../../stores/weight-data.js';
import { functionalModel } from '../../tfjs-internals.js';
import { guardArchitecture } from './guard-architecture.js';
import { watchParts } from './model-parts.js';

/**
 * A model of the stored architecture, not compiled, whose weights are zero until `fill` sets them.
 *
 * @returns the caller disposes it. If `fill` throws, everything is freed.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH` if it can't be built: a custom layer isn't
 *   registered, or its weights aren't those that are stored. And what `fill` throws.
 */
export async function buildModel(
  manifest: CheckpointManifest,
  fill: (model: tf.LayersModel) => Promise<void>,
): Promise<tf.LayersModel> {
  requireProportion(storedSizeOf(manifest.shards), 0);
  const { built, dispose } = build(manifest);
  try {
    const model = await complete(built, manifest);
    await fill(model);
    return model;
  } catch (error) {
    // Not the model's own `dispose`, which forgets states and weights of shared layers.
    dispose();
    throw error;
  }
}

/** Builds the model before it returns; `dispose` frees its parts. */
function build({ modelTopology, weightSpecs }: CheckpointManifest): {
  built: Promise<unknown>;
  dispose: () => void;
} {
  const endGuard = guardArchitecture();
  const parts = watchParts(totalSizeBytes(weightSpecs));
  try {
    return { built: tf.models.modelFromJSON({ modelTopology }), dispose: parts.dispose };
  } finally {
    parts.endWatch();
    endGuard();
  }
}

async function complete(built: Promise<unknown>, { metadata }: CheckpointManifest): Promise<tf.LayersModel> {
  const { entropyCheckpoint, ...userDefinedMetadata } = metadata;
  try {
    const model = await built;
    if (!(model instanceof tf.LayersModel)) throw new Error('It is not a model.');
    // TensorFlow.js completes a Sequential when it's first used, and only then finds what is wrong with it.
    functionalModel(model);
    if (Object.keys(userDefinedMetadata).length > 0) model.setUserDefinedMetadata(userDefinedMetadata);
    return model;
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_MODEL_MISMATCH',
      `Register the custom layers of the stored architecture, or pass the \`model\`. It could not be built: ${excerpt(cause)}`,
      { cause },
    );
  }
}

import { S3Client } from '@aws-sdk/client-s3';
import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { S3Store } from 'tfjs-entropy-checkpoint/s3';

const client = new S3Client({ forcePathStyle: true }); // your own credentials, region and retries
const storeOf = (prefix: string) => new S3Store({ client, bucket: 'models', prefix });

/** Trains, and returns the best model, as another machine would load it. */
export async function trainIntoBucket(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor) {
  const checkpoint = new EntropyCheckpointCallback({ filepath: storeOf('runs/7'), saveLast: true });
  await model.fit(x, y, { epochs: 10, validationSplit: 0.1, callbacks: checkpoint });
  return loadCheckpoint(storeOf('runs/7'));
}

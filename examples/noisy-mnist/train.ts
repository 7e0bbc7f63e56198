import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EpochRecord } from 'tfjs-entropy-checkpoint';
import type { Dataset } from './dataset.js';
import type { Flags } from './flags.js';
import { NUM_CLASSES, NUM_PIXELS } from './image-pool.js';
import { buildMlp } from './mlp.js';
import { shortPercent } from './number-format.js';
import { accuracy, predict, type Probabilities } from './predictions.js';
import { progressBar } from './progress-bar.js';

/** The last tenth of the training images is for validation, with noisy labels. */
const VALIDATION_SPLIT = 0.1;

export interface EpochResult {
  /** Counted from 0, as in tfjs. */
  readonly epoch: number;
  /** Mean entropy of the two largest probabilities, in nats: of training rows, validation rows, or all rows. */
  readonly trainEntropy: number;
  readonly valEntropy: number;
  readonly entropy: number;
  /** On the noisy labels of the validation images, 0…1. */
  readonly validationAccuracy: number;
  /** On the clean labels of the test images, 0…1. */
  readonly cleanAccuracy: number;
}

export interface TrainingResult {
  readonly epochs: readonly EpochResult[];
  /** The epochs that were saved. Each replaced the one before. */
  readonly savedEpochs: readonly number[];
  /** The epoch that the checkpoint holds at the end. */
  readonly best: EpochRecord;
  /** The checkpoint's explanation of why it kept that epoch. */
  readonly explanation: string;
  /** The checkpoint's HTML report. */
  readonly report: string;
  /** For the test images, at the end of that epoch. */
  readonly bestProbabilities: Probabilities;
  /** For the test images, once that epoch was restored after the last one. */
  readonly restoredProbabilities: Probabilities;
}

/** Trains on the images of `dataset.train` with `noisyLabels`, and tests after every epoch. */
export async function train(
  dataset: Dataset,
  noisyLabels: Uint8Array,
  flags: Flags,
): Promise<TrainingResult> {
  const model = buildMlp(flags.learningRate);
  const checkpoint = new EntropyCheckpointCallback({
    filepath: flags.out,
    monitor: flags.monitor,
    mode: flags.mode,
    minDelta: flags.minDelta,
    startFromEpoch: flags.startFromEpoch,
    includeOptimizer: flags.optimizer,
  });
  const epochs: EpochResult[] = [];
  let bestProbabilities: Probabilities = new Float32Array();
  const testCallback = new tf.CustomCallback({
    onEpochEnd: (epoch, logs = {}) => {
      const probabilities = predict(model, dataset.test);
      epochs.push(epochResult(epoch, logs, accuracy(probabilities, dataset.test.labels)));
      if (checkpoint.best?.epoch === epoch) bestProbabilities = probabilities;
    },
  });

  // The checkpoint comes first, so that `testCallback` finds the entropies in the logs.
  await fit(model, dataset.train.images, noisyLabels, flags, [checkpoint, testCallback]);
  const best = await checkpoint.loadCheckpoint();
  const restoredProbabilities = predict(model, dataset.test);

  const savedEpochs = checkpoint.history.filter(({ isBest }) => isBest).map(({ epoch }) => epoch);
  const explanation = checkpoint.explain();
  const report = await checkpoint.report({ title: titleOf(flags) });
  checkpoint.dispose();
  model.optimizer.dispose();
  model.dispose();
  return { epochs, savedEpochs, best, explanation, report, bestProbabilities, restoredProbabilities };
}

function titleOf({ dataset, noise, noiseType }: Flags): string {
  return `${dataset} with ${shortPercent(noise)} wrong labels (${noiseType})`;
}

async function fit(
  model: tf.Sequential,
  images: Float32Array,
  labels: Uint8Array,
  { epochs, batchSize }: Flags,
  callbacks: tf.CustomCallback[],
): Promise<void> {
  const numImages = labels.length;
  const x = tf.tensor2d(images, [numImages, NUM_PIXELS]);
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), NUM_CLASSES).toFloat());
  const batchesPerEpoch = Math.ceil(Math.floor(numImages * (1 - VALIDATION_SPLIT)) / batchSize);
  await model.fit(x, y, {
    epochs,
    batchSize,
    validationSplit: VALIDATION_SPLIT,
    // All must be instances: tfjs looks only at the first.
    callbacks: [...callbacks, progressBar(epochs, batchesPerEpoch)],
  });
  tf.dispose([x, y]);
}

function epochResult(epoch: number, logs: tf.Logs, cleanAccuracy: number): EpochResult {
  return {
    epoch,
    trainEntropy: logs['train_entropy'] ?? NaN,
    valEntropy: logs['val_entropy'] ?? NaN,
    entropy: logs['entropy'] ?? NaN,
    validationAccuracy: logs['val_acc'] ?? NaN,
    cleanAccuracy,
  };
}

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
  /** The value that selects the epoch, in the monitor's unit; NaN if this epoch has none. */
  readonly monitored: number;
  /** Mean entropy of the two largest probabilities of all rows, in nats. */
  readonly entropy: number;
  /** On the noisy labels of the validation images, 0…1. */
  readonly validationAccuracy: number;
  /** On the clean labels of the test images, 0…1. */
  readonly cleanAccuracy: number;
  /** The same with the average of the weights. */
  readonly averagedAccuracy: number;
}

export interface TrainingResult {
  readonly epochs: readonly EpochResult[];
  /** The epochs that were saved. Each replaced the one before. */
  readonly savedEpochs: readonly number[];
  /** The epoch that the checkpoint holds at the end. */
  readonly best: EpochRecord;
  /** The epoch whose averaged weights noisy validation accuracy selects. */
  readonly averagedBest: EpochRecord;
  /** The checkpoint's explanation of why it kept that epoch. */
  readonly explanation: string;
  /** The checkpoint's HTML report. */
  readonly report: string;
  /** For the test images, at the end of that epoch. */
  readonly bestProbabilities: Probabilities;
  /** For the test images, once that epoch was restored after the last one. */
  readonly restoredProbabilities: Probabilities;
}

/** What an epoch predicts for the test images. */
interface TestResult {
  readonly probabilities: Probabilities;
  /** With the average of the weights. */
  readonly ofAverage: Probabilities;
  readonly cleanAccuracy: number;
  readonly averagedAccuracy: number;
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
    averageWeights: flags.averageWeights,
  });
  // A second checkpoint in the same training: one of the two averages the weights. Each sees validation of the weights
  // that it keeps.
  const other = new EntropyCheckpointCallback({
    filepath: null,
    monitor: 'val_acc',
    averageWeights: !flags.averageWeights,
  });
  const [trained, averaged] = flags.averageWeights ? [other, checkpoint] : [checkpoint, other];
  const epochs: EpochResult[] = [];
  let bestProbabilities: Probabilities = new Float32Array();
  let tested: TestResult | null = null;
  // Before the checkpoints, so that their histories and reports have the accuracy.
  const testCallback = new tf.CustomCallback({
    onEpochEnd: async (_, logs) => {
      const probabilities = predict(model, dataset.test);
      const ofAverage = await averaged.withAverage(() => predict(model, dataset.test));
      const [cleanAccuracy, averagedAccuracy] = [probabilities, ofAverage].map((one) =>
        accuracy(one, dataset.test.labels),
      ) as [number, number];
      tested = { probabilities, ofAverage, cleanAccuracy, averagedAccuracy };
      if (logs !== undefined) logs['test_acc'] = flags.averageWeights ? averagedAccuracy : cleanAccuracy;
    },
  });
  // After them, so that it finds the epoch in their histories.
  const recordCallback = new tf.CustomCallback({
    onEpochEnd: (epoch) => {
      const { probabilities, ofAverage, ...accuracies } = tested!;
      const monitored = checkpoint.history.at(-1)!.value ?? NaN;
      epochs.push({ ...epochResult(trained.history.at(-1)!), monitored, ...accuracies });
      if (checkpoint.best?.epoch === epoch) {
        bestProbabilities = flags.averageWeights ? ofAverage : probabilities;
      }
    },
  });

  const callbacks = [testCallback, checkpoint, other, recordCallback];
  await fit(model, dataset.train.images, noisyLabels, flags, callbacks);
  const best = await checkpoint.loadCheckpoint();
  const restoredProbabilities = predict(model, dataset.test);

  const savedEpochs = checkpoint.history.filter(({ isBest }) => isBest).map(({ epoch }) => epoch);
  const explanation = checkpoint.explain();
  const report = await checkpoint.report({ title: titleOf(flags) });
  const averagedBest = highestAccuracy(averaged.history);
  for (const one of [checkpoint, other]) one.dispose();
  model.optimizer.dispose();
  model.dispose();
  return {
    epochs,
    savedEpochs,
    best,
    averagedBest,
    explanation,
    report,
    bestProbabilities,
    restoredProbabilities,
  };
}

/** The epoch that `monitor: 'val_acc'` selects. */
function highestAccuracy(history: readonly EpochRecord[]): EpochRecord {
  return history.reduce((best, record) => (record.logs['val_acc']! > best.logs['val_acc']! ? record : best));
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

type Observed = Pick<EpochResult, 'epoch' | 'entropy' | 'validationAccuracy'>;

function epochResult({ epoch, entropy, logs }: EpochRecord): Observed {
  return { epoch, entropy: entropy ?? NaN, validationAccuracy: logs['val_acc'] ?? NaN };
}

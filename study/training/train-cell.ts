import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { withNoise } from '../data/label-noise.js';
import { pickRows, type Samples, type Task } from '../data/samples.js';
import { loadTask } from '../data/tasks.js';
import type { AverageName } from '../averages.js';
import { averagesOf, cellId, EPOCHS, scheduleOf, type Cell } from '../grid.js';
import { buildNetwork, INPUT_FORM_OF } from '../networks.js';
import {
  AVERAGED_SIGNALS,
  SIGNALS,
  type AveragedSignalName,
  type Series,
  type SignalName,
} from '../signals.js';
import type { Trajectory } from '../trajectories.js';
import { drawWithoutReplacement } from '../../examples/noisy-mnist/sampling.js';
import { AveragedValidation } from './averaged-validation.js';
import { tensorsOf } from './batches.js';
import { gradientDisparity } from './gradient-disparity.js';
import { createOptimizer, setLearningRate } from './learning-rates.js';
import { fitAndConfidence, labelFreeSignals, PredictionHistory } from './prediction-signals.js';
import { agreement, predictedClasses, softmaxRows, type Probabilities } from './prediction-statistics.js';

const BATCH_SIZE = 32;
const PREDICTION_BATCH = 500;

type EpochSignals = Record<SignalName, number | null>;

/** Trains one network from scratch. The same cell gives the same signals on the same machine. */
export async function trainCell(cell: Cell): Promise<Trajectory> {
  await useBackend('wasm');
  const task = withNoise(loadTask(cell.task, INPUT_FORM_OF[cell.network], cell.seed), cell.noise, cell.seed);
  return withSeededRandom(cellId(cell), () => {
    const tensorsBefore = tf.memory().numTensors;
    const model = buildNetwork(cell.network, task.inputShape, task.numClasses);
    const optimizer = createOptimizer(cell.optimizer);
    const run = new TrainingRun(model, optimizer, task, averagesOf(cell));
    const epochs = Array.from({ length: EPOCHS }, (_, epoch) => {
      setLearningRate(optimizer, cell.optimizer, scheduleOf(cell), epoch);
      return run.trainEpoch();
    });
    run.dispose();
    model.dispose();
    optimizer.dispose();
    // The momentum optimizer of TensorFlow.js does not dispose its learning rate.
    if (tf.memory().numTensors > tensorsBefore + 1) throw new Error(`${cellId(cell)} leaked tensors.`);
    const signals = {
      ...seriesOf(Object.keys(SIGNALS) as SignalName[], epochs),
      'val-agreement': run.agreements().map((row) => row.map(roundedNumber)),
    };
    const averaged = Object.fromEntries(
      [...run.averagedEpochs].map(([name, averagedEpochs]) => [
        name,
        seriesOf(AVERAGED_SIGNALS, averagedEpochs),
      ]),
    );
    return { cell, signals, averaged };
  });
}

/** One series for each of `names`. */
function seriesOf<Name extends string>(
  names: readonly Name[],
  epochs: readonly Record<Name, number | null>[],
): Record<Name, Series> {
  const columns = names.map((name) => [name, epochs.map((epoch) => rounded(epoch[name]))]);
  return Object.fromEntries(columns) as Record<Name, Series>;
}

class TrainingRun {
  readonly #model: tf.Sequential;
  readonly #optimizer: tf.Optimizer;
  readonly #task: Task;
  readonly #trainHistory = new PredictionHistory();
  readonly #validationHistory = new PredictionHistory();
  readonly #averages: ReadonlyMap<AverageName, AveragedValidation>;
  /** The signals of each average, an entry an epoch. */
  readonly averagedEpochs: ReadonlyMap<AverageName, Record<AveragedSignalName, number | null>[]>;
  #runningClasses: Uint8Array | null = null;

  constructor(model: tf.Sequential, optimizer: tf.Optimizer, task: Task, averages: readonly AverageName[]) {
    this.#model = model;
    this.#optimizer = optimizer;
    this.#task = task;
    const numBatches = Math.ceil(task.train.labels.length / BATCH_SIZE);
    this.#averages = new Map(
      averages.map((name) => [name, new AveragedValidation(name, model, task, numBatches)]),
    );
    this.averagedEpochs = new Map(averages.map((name) => [name, []]));
  }

  trainEpoch(): EpochSignals {
    const running = this.#train();
    for (const [name, average] of this.#averages) {
      this.averagedEpochs.get(name)!.push(average.endEpoch((samples) => this.#predictLogits(samples)));
    }
    const { train, validation, test } = this.#task;
    const trainPredictions = softmaxRows(this.#predictLogits(train), this.#task.numClasses);
    const validationLogits = this.#predictLogits(validation);
    const validationPredictions = softmaxRows(validationLogits, this.#task.numClasses);
    const testPredictions = softmaxRows(this.#predictLogits(test), this.#task.numClasses);
    const trainSignals = fitAndConfidence(trainPredictions, train.labels);
    const validationSignals = {
      ...fitAndConfidence(validationPredictions, validation.labels),
      ...labelFreeSignals(validationPredictions),
    };
    const trainChanges = this.#trainHistory.add(trainPredictions);
    const validationChanges = this.#validationHistory.add(validationPredictions);
    return {
      'running-loss': running.loss,
      'running-accuracy': running.accuracy,
      'running-entropy': running.entropy,
      'running-full-entropy': running.fullEntropy,
      'running-margin': running.margin,
      'running-sure': running.sure,
      'running-changes': running.changes,
      'train-loss': trainSignals.loss,
      'train-accuracy': trainSignals.accuracy,
      'train-entropy': trainSignals.entropy,
      'train-margin': trainSignals.margin,
      'train-changes': trainChanges.changes,
      'train-shift': trainChanges.shift,
      'val-loss': validationSignals.loss,
      'val-accuracy': validationSignals.accuracy,
      'val-entropy': validationSignals.entropy,
      'val-full-entropy': validationSignals.fullEntropy,
      'val-margin': validationSignals.margin,
      'val-sure': validationSignals.sure,
      'val-changes': validationChanges.changes,
      'val-shift': validationChanges.shift,
      'val-confident-changes': validationChanges.confidentChanges,
      'val-averaged-changes': validationChanges.averagedChanges,
      'val-averaged-shift': validationChanges.averagedShift,
      'val-marginal-entropy': validationSignals.marginalEntropy,
      'val-nuclear-norm': validationSignals.nuclearNorm,
      'val-norm': validationSignals.norm,
      'val-energy': meanEnergy(validationLogits, this.#task.numClasses),
      'gradient-disparity': gradientDisparity(this.#model, train, this.#task, BATCH_SIZE),
      'test-accuracy': agreement(predictedClasses(testPredictions), test.labels),
    };
  }

  /** For each epoch and each earlier one: share of validation rows whose prediction is the same in both. */
  agreements(): number[][] {
    return this.#validationHistory.agreements();
  }

  dispose(): void {
    for (const average of this.#averages.values()) average.dispose();
  }

  /** One pass over the training rows in random order. */
  #train() {
    const { train, numClasses } = this.#task;
    const count = train.labels.length;
    const order = drawWithoutReplacement(count, count, Math.random);
    const values = new Float64Array(count * numClasses);
    const labels = Uint8Array.from(order, (row) => train.labels[row]!);
    for (let start = 0; start < count; start += BATCH_SIZE) {
      const rows = order.subarray(start, start + BATCH_SIZE);
      const logits = this.#step(pickRows(train, rows));
      for (const average of this.#averages.values()) average.endStep();
      values.set(softmaxRows(logits, numClasses).values, start * numClasses);
    }
    const probabilities: Probabilities = { values, numClasses };
    return {
      ...fitAndConfidence(probabilities, labels),
      changes: this.#runningChanges(order, probabilities),
    };
  }

  /** Share of training rows predicted differently than in the previous epoch. Each epoch has its own row `order`. */
  #runningChanges(order: Uint32Array, probabilities: Probabilities): number | null {
    const classes = new Uint8Array(order.length);
    for (const [i, predicted] of predictedClasses(probabilities).entries()) classes[order[i]!] = predicted;
    const before = this.#runningClasses;
    this.#runningClasses = classes;
    return before === null ? null : 1 - agreement(classes, before);
  }

  /** @returns the logits before the step. */
  #step(batch: Samples): Float32Array {
    return tf.tidy(() => {
      const { x, y } = tensorsOf(batch, this.#task);
      let logits!: tf.Tensor;
      const cost = this.#optimizer.minimize(
        () => {
          logits = tf.keep(this.#model.apply(x, { training: true }) as tf.Tensor);
          return tf.losses.softmaxCrossEntropy(y, logits);
        },
        false,
        this.#model.trainableWeights.map((weight) => weight.read() as tf.Variable),
      );
      cost?.dispose();
      const values = logits.dataSync<'float32'>().slice();
      logits.dispose();
      return values;
    });
  }

  #predictLogits(samples: Samples): Float32Array {
    const count = samples.labels.length;
    const width = samples.inputs.length / count;
    const logits = new Float32Array(count * this.#task.numClasses);
    for (let start = 0; start < count; start += PREDICTION_BATCH) {
      const end = Math.min(count, start + PREDICTION_BATCH);
      tf.tidy(() => {
        const x = tf.tensor(samples.inputs.subarray(start * width, end * width), [
          end - start,
          ...this.#task.inputShape,
        ]);
        const predicted = this.#model.apply(x) as tf.Tensor;
        logits.set(predicted.dataSync<'float32'>(), start * this.#task.numClasses);
      });
    }
    return logits;
  }
}

function meanEnergy(logits: Float32Array, numClasses: number): number {
  let sum = 0;
  for (let start = 0; start < logits.length; start += numClasses) {
    const row = logits.subarray(start, start + numClasses);
    const largest = Math.max(...row);
    sum += largest + Math.log(row.reduce((total, logit) => total + Math.exp(logit - largest), 0));
  }
  return (sum / logits.length) * numClasses;
}

/** TensorFlow.js draws initial weights and dropout from `Math.random`. */
function withSeededRandom<T>(seed: string, action: () => T): T {
  const { random } = Math;
  Math.random = seedrandom.alea(seed);
  try {
    return action();
  } finally {
    Math.random = random;
  }
}

async function useBackend(name: string): Promise<void> {
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`Could not start the backend "${name}".`);
}

/** Rounds to four significant digits. More would take space and mean nothing. */
function roundedNumber(value: number): number {
  return Number(value.toPrecision(4));
}

function rounded(value: number | null): number | null {
  return value === null ? null : roundedNumber(value);
}

import type * as tf from '@tensorflow/tfjs';
import { WeightAverage } from '../../src/averaging/weight-average.js';
import { AVERAGES, type AverageName } from '../averages.js';
import type { Task } from '../data/samples.js';
import type { AveragedSignalName } from '../signals.js';
import { fitAndConfidence, PredictionHistory } from './prediction-signals.js';
import {
  agreement,
  marginalEntropy,
  predictedClasses,
  softmaxRows,
  type Probabilities,
} from './prediction-statistics.js';

/** An average of the weights of a model in training, by the code of the package, and validation of it. */
export class AveragedValidation {
  readonly #average: WeightAverage;
  readonly #history = new PredictionHistory();
  readonly #model: tf.LayersModel;
  readonly #task: Task;

  constructor(name: AverageName, model: tf.LayersModel, task: Task, batchesPerEpoch: number) {
    this.#average = new WeightAverage(AVERAGES[name]);
    this.#average.beginFit(model, batchesPerEpoch);
    this.#model = model;
    this.#task = task;
  }

  /** To be called after each step of the optimizer. */
  endStep(): void {
    this.#average.endStep(this.#model);
  }

  /** @param predict the logits of the model as it is. */
  endEpoch(predict: (samples: Task['test']) => Float32Array): Record<AveragedSignalName, number | null> {
    this.#average.endEpoch(true);
    const { validation, test, numClasses } = this.#task;
    const [predictions, testPredictions] = this.#average.run<[Probabilities, Probabilities]>(() => [
      softmaxRows(predict(validation), numClasses),
      softmaxRows(predict(test), numClasses),
    ]);
    const { loss, accuracy, entropy, fullEntropy } = fitAndConfidence(predictions, validation.labels);
    const { changes, averagedChanges } = this.#history.add(predictions);
    return {
      'val-loss': loss,
      'val-accuracy': accuracy,
      'val-entropy': entropy,
      'val-full-entropy': fullEntropy,
      'val-marginal-entropy': marginalEntropy(predictions),
      'val-changes': changes,
      'val-averaged-changes': averagedChanges,
      'test-accuracy': agreement(predictedClasses(testPredictions), test.labels),
    };
  }

  dispose(): void {
    this.#average.dispose();
  }
}

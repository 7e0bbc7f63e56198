import {
  agreement,
  fourthNorm,
  fullEntropy,
  margin,
  marginalEntropy,
  meanLoss,
  meanOfRows,
  meanTotalVariation,
  nuclearNorm,
  predictedClasses,
  rowsOf,
  topTwoEntropy,
  type Probabilities,
} from './prediction-statistics.js';

/** How much of the average of all epochs before is kept each time. */
const AVERAGE_DECAY = 0.7;
const SURE_MARGIN = 0.9;

/** Predictions of the same rows at the end of one epoch after another. */
export class PredictionHistory {
  #previous: Probabilities | null = null;
  /** Of every epoch so far. */
  readonly #classes: Uint8Array[] = [];
  #average: Probabilities | null = null;

  /** What `probabilities` are to those of the epochs before; then they count as such. Null in the first epoch. */
  next(probabilities: Probabilities): Record<keyof typeof NO_CHANGES, number | null> {
    const classes = predictedClasses(probabilities);
    const changes =
      this.#previous === null
        ? NO_CHANGES
        : {
            ...this.#changes(this.#previous, probabilities, classes),
            ...this.#toAverage(probabilities, classes),
          };
    this.#classes.push(classes);
    this.#previous = probabilities;
    this.#average = this.#average === null ? probabilities : averaged(this.#average, probabilities);
    return changes;
  }

  /** For each epoch and each one before it: share of rows whose prediction is the same in both. */
  agreements(): number[][] {
    return this.#classes.map((classes, epoch) =>
      this.#classes.slice(0, epoch).map((others) => agreement(classes, others)),
    );
  }

  #changes(previous: Probabilities, probabilities: Probabilities, classes: Uint8Array) {
    const before = this.#classes.at(-1)!;
    let confident = 0;
    let row = 0;
    for (const probabilitiesBefore of rowsOf(previous)) {
      if (classes[row] !== before[row]) confident += margin(probabilitiesBefore);
      row++;
    }
    return {
      changes: 1 - agreement(classes, before),
      shift: meanTotalVariation(probabilities, previous),
      confidentChanges: confident / classes.length,
    };
  }

  #toAverage(probabilities: Probabilities, classes: Uint8Array) {
    const average = this.#average!;
    return {
      averagedChanges: 1 - agreement(classes, predictedClasses(average)),
      averagedShift: meanTotalVariation(probabilities, average),
    };
  }
}

const NO_CHANGES = {
  changes: null,
  shift: null,
  confidentChanges: null,
  averagedChanges: null,
  averagedShift: null,
};

function averaged({ values, numClasses }: Probabilities, next: Probabilities): Probabilities {
  return {
    values: values.map((value, i) => AVERAGE_DECAY * value + (1 - AVERAGE_DECAY) * next.values[i]!),
    numClasses,
  };
}

/** With the noisy labels, and how sure the predictions are. */
export function fitAndConfidence(probabilities: Probabilities, labels: Uint8Array) {
  return {
    loss: meanLoss(probabilities, labels),
    accuracy: agreement(predictedClasses(probabilities), labels),
    entropy: meanOfRows(probabilities, topTwoEntropy),
    fullEntropy: meanOfRows(probabilities, fullEntropy),
    margin: meanOfRows(probabilities, margin),
    sure: meanOfRows(probabilities, (row) => (margin(row) > SURE_MARGIN ? 1 : 0)),
  };
}

/** From the literature of telling an accuracy without labels. */
export function labelFreeSignals(probabilities: Probabilities) {
  return {
    marginalEntropy: marginalEntropy(probabilities),
    nuclearNorm: nuclearNorm(probabilities),
    norm: fourthNorm(probabilities),
  };
}

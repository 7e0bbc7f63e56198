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

/** Weight of the earlier epochs when a new epoch is averaged in. */
const AVERAGE_DECAY = 0.7;
const SURE_MARGIN = 0.9;

/** The predictions of the same rows at the end of each epoch. */
export class PredictionHistory {
  #previous: Probabilities | null = null;
  /** The predicted classes of every epoch so far. */
  readonly #classes: Uint8Array[] = [];
  #average: Probabilities | null = null;

  /** Compares `probabilities` with those of earlier epochs, then adds them. Changes are null in the first epoch. */
  add(probabilities: Probabilities): Record<keyof typeof NO_CHANGES, number | null> {
    const classes = predictedClasses(probabilities);
    const changes =
      this.#previous === null
        ? NO_CHANGES
        : {
            ...this.#changesFromPrevious(this.#previous, probabilities, classes),
            ...this.#changesFromAverage(probabilities, classes),
          };
    this.#classes.push(classes);
    this.#previous = probabilities;
    this.#average = this.#average === null ? probabilities : nextAverage(this.#average, probabilities);
    return changes;
  }

  /** For each epoch and each earlier one: share of rows whose prediction is the same in both. */
  agreements(): number[][] {
    return this.#classes.map((classes, epoch) =>
      this.#classes.slice(0, epoch).map((others) => agreement(classes, others)),
    );
  }

  #changesFromPrevious(previous: Probabilities, probabilities: Probabilities, classes: Uint8Array) {
    const before = this.#classes.at(-1)!;
    let lostMargin = 0;
    let row = 0;
    for (const probabilitiesBefore of rowsOf(previous)) {
      if (classes[row] !== before[row]) lostMargin += margin(probabilitiesBefore);
      row++;
    }
    return {
      changes: 1 - agreement(classes, before),
      shift: meanTotalVariation(probabilities, previous),
      confidentChanges: lostMargin / classes.length,
    };
  }

  #changesFromAverage(probabilities: Probabilities, classes: Uint8Array) {
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

function nextAverage({ values, numClasses }: Probabilities, next: Probabilities): Probabilities {
  return {
    values: values.map((value, i) => AVERAGE_DECAY * value + (1 - AVERAGE_DECAY) * next.values[i]!),
    numClasses,
  };
}

/** How well predictions fit the noisy labels, and how confident they are. */
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

/** Signals from the literature that estimate accuracy without labels. */
export function labelFreeSignals(probabilities: Probabilities) {
  return {
    marginalEntropy: marginalEntropy(probabilities),
    nuclearNorm: nuclearNorm(probabilities),
    norm: fourthNorm(probabilities),
  };
}

/** Added to every probability before its logarithm, as the original does: keeps 0·ln 0 finite. */
export const EPSILON = 1e-10;

/** −p·ln(p + 1e-10), in nats. */
export function entropyTerm(probability: number): number {
  return -probability * Math.log(probability + EPSILON);
}

/**
 * Top-k entropy of `numRows` rows of `numClasses` values, in float64, one pass over each row for k = 2.
 *
 * A NaN anywhere in a row gives NaN, and so does a logit of +Infinity or a row of −Infinity alone,
 * which have no softmax, and an infinite probability. A single logit of −Infinity is a probability of 0.
 *
 * @param values row-major `[numRows, numClasses]`, logits or probabilities.
 * @param out receives one value a row, in nats.
 */
export function topKEntropyRows(
  values: Float32Array,
  numClasses: number,
  k: number,
  fromLogits: boolean,
  out: Float32Array,
): void {
  const rowEntropy = k === 2 ? (fromLogits ? top2OfLogits : top2OfProbabilities) : topKOfRow(k, fromLogits);
  for (let row = 0; row < out.length; row++) {
    out[row] = rowEntropy(values, row * numClasses, (row + 1) * numClasses);
  }
}

/** Running maximum, runner-up and sum of exponentials together: no second pass, no overflow. */
function top2OfLogits(values: Float32Array, start: number, end: number): number {
  let first = -Infinity;
  let second = -Infinity;
  let sum = 0;
  for (let i = start; i < end; i++) {
    const x = values[i]!;
    if (x > first) {
      sum = sum * Math.exp(first - x) + 1;
      second = first;
      first = x;
    } else {
      // exp(−∞ − −∞) would be NaN: a −∞ ahead of the first finite logit adds nothing.
      if (x !== -Infinity) sum += Math.exp(x - first);
      if (x > second) second = x;
    }
  }
  if (!Number.isFinite(first)) return NaN;
  return entropyTerm(1 / sum) + entropyTerm(Math.exp(second - first) / sum);
}

function top2OfProbabilities(values: Float32Array, start: number, end: number): number {
  let first = -Infinity;
  let second = -Infinity;
  let sum = 0;
  for (let i = start; i < end; i++) {
    const p = values[i]!;
    sum += p;
    if (p > first) {
      second = first;
      first = p;
    } else if (p > second) {
      second = p;
    }
  }
  // Comparisons pass a NaN by; the sum does not.
  return Number.isFinite(sum) ? entropyTerm(first) + entropyTerm(second) : NaN;
}

/** Any k: the k largest are kept in descending order by insertion, which is fast for a small k. */
function topKOfRow(k: number, fromLogits: boolean): typeof top2OfLogits {
  const largest = new Float64Array(k);
  return (values, start, end) => {
    largest.fill(-Infinity);
    let sum = 0;
    let max = -Infinity;
    if (fromLogits) {
      for (let i = start; i < end; i++) max = Math.max(max, values[i]!);
      if (!Number.isFinite(max)) return NaN;
    }
    for (let i = start; i < end; i++) {
      const x = values[i]!;
      const value = fromLogits ? Math.exp(x - max) : x;
      sum += value;
      insertDescending(largest, value);
    }
    if (!Number.isFinite(sum)) return NaN;
    const scale = fromLogits ? 1 / sum : 1;
    let entropy = 0;
    for (const value of largest) entropy += entropyTerm(value * scale);
    return entropy;
  };
}

function insertDescending(largest: Float64Array, value: number): void {
  let place = largest.length;
  while (place > 0 && value > largest[place - 1]!) place--;
  if (place === largest.length) return;
  largest.copyWithin(place + 1, place, largest.length - 1);
  largest[place] = value;
}

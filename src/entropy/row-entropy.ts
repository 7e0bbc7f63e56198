import { EPSILON } from './composed.js';

/** −p·ln(p + 1e-10), in nats. */
export function entropyTerm(probability: number): number {
  return -probability * Math.log(probability + EPSILON);
}

type RowEntropy = (values: Float32Array, start: number, end: number) => number;

/**
 * Top-k entropy of rows of `numClasses` values, in float64, one pass over each row for k = 2.
 *
 * The result is NaN for a row with a NaN or an infinite probability. It's also NaN where no softmax exists: for a logit
 * of +Infinity, or a row of −Infinity only. A logit of −Infinity beside finite ones is a probability of 0.
 *
 * @param values row-major `[rows, numClasses]`, logits or probabilities; a single class is the positive class of two.
 * @param out `[rows]`; receives one value per row, in nats.
 */
export function topKEntropyRows(
  values: Float32Array,
  numClasses: number,
  k: number,
  fromLogits: boolean,
  out: Float32Array,
): void {
  const rowEntropy = rowEntropyFor(values, numClasses, k, fromLogits);
  for (let row = 0; row < out.length; row++) {
    out[row] = rowEntropy(values, row * numClasses, (row + 1) * numClasses);
  }
}

/** What a row needs beside its values is made here, once for all rows: an allocation takes longer than a short row. */
function rowEntropyFor(batch: Float32Array, numClasses: number, k: number, fromLogits: boolean): RowEntropy {
  if (numClasses === 1) return positiveClassEntropy(k, fromLogits);
  if (fromLogits) return k === 2 ? top2LogitEntropy : topKEntropyFor(k, fromLogits);
  if (k === 2) return numClasses < MIN_LONG_ROW ? top2ProbabilityEntropy : longTop2ProbabilityEntropy(batch);
  return k === numClasses ? entropyOfAllProbabilities(batch) : topKEntropyFor(k, fromLogits);
}

/** p becomes (p, 1 − p). A logit z becomes (z, 0), whose softmax is (p, 1 − p). */
function positiveClassEntropy(k: number, fromLogits: boolean): RowEntropy {
  const both = new Float32Array(2);
  const rowEntropy = rowEntropyFor(both, 2, k, fromLogits);
  return (values, start) => {
    both[0] = values[start]!;
    both[1] = fromLogits ? 0 : 1 - both[0];
    return rowEntropy(both, 0, 2);
  };
}

/** Below every finite float32. It's finite itself, so that a difference of two such values is a number. */
const BELOW_ALL = -4e38;
/** exp is looked up in steps of a 32nd of a power of two. Its series gives the rest. */
const STEPS_PER_POWER = 32;
const STEPS_PER_NAT = STEPS_PER_POWER * Math.LOG2E;
/** The largest term is 1. Beside it, even a million terms of 2^−64 don't reach the last bit of the sum. */
const NEGLIGIBLE_STEPS = 64 * STEPS_PER_POWER;
const POWERS = Float64Array.from({ length: NEGLIGIBLE_STEPS }, (_, step) => 2 ** (-step / STEPS_PER_POWER));
const STEP = Math.LN2 / STEPS_PER_POWER;
const HALF_STEP_SQUARED = STEP ** 2 / 2;
const SIXTH_STEP_CUBED = STEP ** 3 / 6;

/**
 * Tracks the largest, the second largest and the sum of exponentials together: no second pass, no overflow.
 *
 * `Math.exp` would take three quarters of the time. The table and three terms of the series are within 1e-8 of it, a
 * tenth of float32 precision.
 */
function top2LogitEntropy(values: Float32Array, start: number, end: number): number {
  let first = BELOW_ALL;
  let second = BELOW_ALL;
  let firstSteps = first * STEPS_PER_NAT;
  let sum = 0;
  for (let i = start; i < end; i++) {
    const x = values[i]!;
    if (x > second) {
      if (x > first) {
        sum = sum * Math.exp(first - x) + 1;
        second = first;
        first = x;
        firstSteps = x * STEPS_PER_NAT;
        continue;
      }
      second = x;
    }
    const steps = firstSteps - x * STEPS_PER_NAT;
    // Skips −Infinity. A NaN fails this comparison and makes the sum NaN.
    if (steps >= NEGLIGIBLE_STEPS) continue;
    const whole = steps | 0;
    const rest = whole - steps;
    sum += POWERS[whole]! * (1 + rest * (STEP + rest * (HALF_STEP_SQUARED + rest * SIXTH_STEP_CUBED)));
  }
  if (first === BELOW_ALL || first === Infinity) return NaN;
  return entropyTerm(1 / sum) + entropyTerm(Math.exp(second - first) / sum);
}

function top2ProbabilityEntropy(values: Float32Array, start: number, end: number): number {
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
  // Comparisons skip a NaN; the sum doesn't.
  return Number.isFinite(sum) ? entropyTerm(first) + entropyTerm(second) : NaN;
}

/** From here on, `longTop2ProbabilityEntropy` is faster. Measured. */
const MIN_LONG_ROW = 32;
/** The bits of an infinite float32. Those of a NaN are larger, and those of a number with a sign as well. */
const INFINITY_BITS = 0x7f800000;

/**
 * The same for long rows, in half the time. Numbers from 0 up are in the order of their bits, and integers are compared
 * faster. Most values are smaller than the two that are the largest so far, so it passes over eight at once.
 */
function longTop2ProbabilityEntropy(batch: Float32Array): RowEntropy {
  const bits = new Uint32Array(batch.buffer, batch.byteOffset, batch.length);
  const largest = new Float32Array(2);
  const largestBits = new Uint32Array(largest.buffer);
  return (values, start, end) => {
    let first = 0;
    let second = 0;
    const lastEight = end - 8;
    for (let i = start; i < end;) {
      if (
        i <= lastEight &&
        bits[i]! <= second &&
        bits[i + 1]! <= second &&
        bits[i + 2]! <= second &&
        bits[i + 3]! <= second &&
        bits[i + 4]! <= second &&
        bits[i + 5]! <= second &&
        bits[i + 6]! <= second &&
        bits[i + 7]! <= second
      ) {
        i += 8;
        continue;
      }
      const p = bits[i]!;
      if (p > first) {
        second = first;
        first = p;
      } else if (p > second) {
        second = p;
      }
      i++;
    }
    if (first >= INFINITY_BITS) return top2ProbabilityEntropy(values, start, end);
    largestBits[0] = first;
    largestBits[1] = second;
    return entropyTerm(largest[0]!) + entropyTerm(largest[1]!);
  };
}

/** ln is looked up by the exponent of a float32 and the first bits of its fraction. Its series gives the rest. */
const FRACTION_BITS = 6;
const SHIFT = 23 - FRACTION_BITS;
/** The key of 2^−40. The table covers the powers from there up to 2. */
const FIRST_KEY = (127 - 40) << FRACTION_BITS;
const CENTRES = Float64Array.from({ length: 41 << FRACTION_BITS }, (_, key) => {
  const fraction = (key + 0.5) / 2 ** FRACTION_BITS;
  return 2 ** (Math.floor(fraction) - 40) * (1 + (fraction % 1));
});
const INVERSES = CENTRES.map((centre) => 1 / centre);
const LOGARITHMS = CENTRES.map((centre) => Math.log(centre));

const THIRD = 1 / 3;

/**
 * The entropy of all probabilities of a row. `Math.log` would take three quarters of the time. The table and three
 * terms of the series are within 1e-9 of it. The epsilon is left out: it changes no term by more than its own value.
 *
 * Two values at a time have two sums, so that an addition needn't wait for the one before: half the time of one.
 */
function entropyOfAllProbabilities(batch: Float32Array): RowEntropy {
  const bits = new Int32Array(batch.buffer, batch.byteOffset, batch.length);
  const { length } = CENTRES;
  return (values, start, end) => {
    let even = 0;
    let odd = 0;
    let i = start;
    for (; i < end - 1; i += 2) {
      const p = values[i]!;
      const q = values[i + 1]!;
      const keyP = (bits[i]! >> SHIFT) - FIRST_KEY;
      const keyQ = (bits[i + 1]! >> SHIFT) - FIRST_KEY;
      if (keyP >= 0 && keyP < length && keyQ >= 0 && keyQ < length) {
        const restP = p * INVERSES[keyP]! - 1;
        const restQ = q * INVERSES[keyQ]! - 1;
        even -= p * (LOGARITHMS[keyP]! + restP * (1 - restP * (1 / 2 - restP * THIRD)));
        odd -= q * (LOGARITHMS[keyQ]! + restQ * (1 - restQ * (1 / 2 - restQ * THIRD)));
      } else {
        if (p !== 0) even += entropyTerm(p);
        if (q !== 0) odd += entropyTerm(q);
      }
    }
    if (i < end && values[i] !== 0) even += entropyTerm(values[i]!);
    const entropy = even + odd;
    return Number.isFinite(entropy) ? entropy : NaN;
  };
}

/**
 * For any k. With k = numClasses all terms are summed. Else the k largest values are kept, which is fast for a small k.
 */
function topKEntropyFor(k: number, fromLogits: boolean): RowEntropy {
  const counted = new Float64Array(k);
  return (values, start, end) => {
    const max = fromLogits ? maxOf(values, start, end) : 0;
    if (!Number.isFinite(max)) return NaN;
    counted.fill(-Infinity);
    let sum = 0;
    for (let i = start; i < end; i++) {
      const x = values[i]!;
      const value = fromLogits ? Math.exp(x - max) : x;
      sum += value;
      if (k === end - start) counted[i - start] = value;
      else insertDescending(counted, value);
    }
    if (!Number.isFinite(sum)) return NaN;
    const scale = fromLogits ? 1 / sum : 1;
    let entropy = 0;
    // Not `for of`, which makes an iterator.
    for (let i = 0; i < k; i++) entropy += entropyTerm(counted[i]! * scale);
    return entropy;
  };
}

function maxOf(values: Float32Array, start: number, end: number): number {
  let max = -Infinity;
  for (let i = start; i < end; i++) max = Math.max(max, values[i]!);
  return max;
}

function insertDescending(largest: Float64Array, value: number): void {
  let position = largest.length;
  while (position > 0 && value > largest[position - 1]!) position--;
  if (position === largest.length) return;
  largest.copyWithin(position + 1, position, largest.length - 1);
  largest[position] = value;
}

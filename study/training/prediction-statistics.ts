/** Concatenated rows of the probabilities of `numClasses` classes. */
export interface Probabilities {
  readonly values: Float64Array;
  readonly numClasses: number;
}

export function softmaxRows(logits: Float32Array, numClasses: number): Probabilities {
  const values = Float64Array.from(logits);
  for (const row of rowsOf({ values, numClasses })) {
    const largest = Math.max(...row);
    let sum = 0;
    for (const [i, logit] of row.entries()) sum += row[i] = Math.exp(logit - largest);
    for (const [i, weight] of row.entries()) row[i] = weight / sum;
  }
  return { values, numClasses };
}

export function* rowsOf({ values, numClasses }: Probabilities): Generator<Float64Array> {
  for (let start = 0; start < values.length; start += numClasses) {
    yield values.subarray(start, start + numClasses);
  }
}

/** The most probable class of each row; of equally probable ones, the first. */
export function predictedClasses(probabilities: Probabilities): Uint8Array {
  return Uint8Array.from(rowsOf(probabilities), (row) => row.indexOf(Math.max(...row)));
}

/** The two largest probabilities of a row, the largest first. */
export function topTwo(row: Float64Array): [number, number] {
  let [first, second] = [-Infinity, -Infinity];
  for (const value of row) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return [first, second];
}

/** −p·ln(p + 1e-10), as in the original. */
function entropyTerm(probability: number): number {
  return -probability * Math.log(probability + 1e-10);
}

export function topTwoEntropy(row: Float64Array): number {
  const [first, second] = topTwo(row);
  return entropyTerm(first) + entropyTerm(second);
}

export function fullEntropy(row: Float64Array): number {
  return row.reduce((sum, value) => sum + entropyTerm(value), 0);
}

export function margin(row: Float64Array): number {
  const [first, second] = topTwo(row);
  return first - second;
}

export function meanOfRows(probabilities: Probabilities, statistic: (row: Float64Array) => number): number {
  let [sum, count] = [0, 0];
  for (const row of rowsOf(probabilities)) {
    sum += statistic(row);
    count++;
  }
  return sum / count;
}

export function meanLoss({ values, numClasses }: Probabilities, labels: Uint8Array): number {
  let sum = 0;
  for (const [row, label] of labels.entries()) sum -= Math.log(values[row * numClasses + label]! + 1e-30);
  return sum / labels.length;
}

/** Share of rows in which `a` and `b` are equal. */
export function agreement(a: Uint8Array, b: Uint8Array): number {
  let same = 0;
  for (const [i, value] of a.entries()) if (value === b[i]) same++;
  return same / a.length;
}

/** Half the sum of absolute differences, averaged over rows; 0…1. */
export function meanTotalVariation(a: Probabilities, b: Probabilities): number {
  let sum = 0;
  for (const [i, value] of a.values.entries()) sum += Math.abs(value - b.values[i]!);
  return (sum / 2 / a.values.length) * a.numClasses;
}

/** Entropy of the mean row. */
export function marginalEntropy(probabilities: Probabilities): number {
  const mean = new Float64Array(probabilities.numClasses);
  const count = probabilities.values.length / probabilities.numClasses;
  for (const row of rowsOf(probabilities)) for (const [i, value] of row.entries()) mean[i]! += value / count;
  return fullEntropy(mean);
}

/**
 * Sum of the singular values, divided by its largest possible value √(rows · min(rows, classes)). It is 1 if every
 * row is certain and the classes are equally frequent.
 *
 * @see Deng et al., Confidence and Dispersity Speak, ICML 2023 (arXiv 2302.01094)
 */
export function nuclearNorm(probabilities: Probabilities): number {
  const { numClasses } = probabilities;
  const gram = Array.from({ length: numClasses }, () => new Float64Array(numClasses));
  let count = 0;
  for (const row of rowsOf(probabilities)) {
    count++;
    for (let i = 0; i < numClasses; i++)
      for (let j = 0; j < numClasses; j++) gram[i]![j]! += row[i]! * row[j]!;
  }
  const sum = symmetricEigenvalues(gram).reduce((total, value) => total + Math.sqrt(Math.max(0, value)), 0);
  return sum / Math.sqrt(count * Math.min(count, numClasses));
}

/** Fourth root of the mean fourth power. @see Xie et al., MaNo, NeurIPS 2024 (arXiv 2405.18979) */
export function fourthNorm({ values }: Probabilities): number {
  return (values.reduce((sum, value) => sum + value ** 4, 0) / values.length) ** 0.25;
}

/** The eigenvalues by Jacobi's method. Overwrites `matrix`. */
function symmetricEigenvalues(matrix: Float64Array[]): number[] {
  const size = matrix.length;
  for (let sweep = 0; sweep < 50; sweep++) {
    let offDiagonal = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        offDiagonal += matrix[p]![q]! ** 2;
        rotate(matrix, p, q);
      }
    }
    if (offDiagonal < 1e-18) break;
  }
  return matrix.map((row, i) => row[i]!);
}

/** Rotates `matrix` so that its element at (p, q) becomes zero. */
function rotate(matrix: Float64Array[], p: number, q: number): void {
  const apq = matrix[p]![q]!;
  if (apq === 0) return;
  const theta = (matrix[q]![q]! - matrix[p]![p]!) / (2 * apq);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (const row of matrix) {
    const [a, b] = [row[p]!, row[q]!];
    row[p] = cosine * a - sine * b;
    row[q] = sine * a + cosine * b;
  }
  const [rowP, rowQ] = [matrix[p]!, matrix[q]!];
  for (let i = 0; i < matrix.length; i++) {
    const [a, b] = [rowP[i]!, rowQ[i]!];
    rowP[i] = cosine * a - sine * b;
    rowQ[i] = sine * a + cosine * b;
  }
}

import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import '../../src/entropy/all-kernels.js';
import { composedTopKEntropy } from '../../src/entropy/composed.js';
import { runTopKEntropy } from '../../src/entropy/run-kernels.js';
import { entropyOfProbabilities, softmax64 } from '../support/entropy64.js';
import { assertClose, stored, type CaseSettings } from './conformance-case.js';

export type Rows = readonly (readonly number[])[];

export interface Scoring {
  readonly k?: number;
  readonly fromLogits?: boolean;
}

export function score(
  predictions: tf.Tensor,
  settings: CaseSettings,
  { k = 2, fromLogits = true }: Scoring = {},
): tf.Tensor1D {
  if (settings.composed !== true) return runTopKEntropy(predictions, k, fromLogits);
  return tf.tidy(() => composedTopKEntropy(tf.cast(predictions, 'float32'), k, fromLogits));
}

/** The values of the tensor that `make` returns. It reads asynchronously, as some backends can't read otherwise. */
export async function valuesOf(make: () => tf.Tensor): Promise<number[]> {
  const tensor = tf.tidy(make);
  try {
    return Array.from(await tensor.data());
  } finally {
    tensor.dispose();
  }
}

/** The same predictions as uploaded, and as the result of an operation, which has another layout. */
const LAYOUTS: readonly ((uploaded: tf.Tensor) => tf.Tensor)[] = [(x) => x, (x) => tf.mul(x, 1)];

/** The entropies for each layout. */
export async function entropiesOf(
  rows: Rows,
  settings: CaseSettings,
  scoring?: Scoring,
  shape: number[] = [rows.length, rows[0]!.length],
): Promise<number[][]> {
  const all: number[][] = [];
  for (const layout of LAYOUTS) {
    all.push(await valuesOf(() => score(layout(tf.tensor(rows.flat(), shape)), settings, scoring)));
  }
  return all;
}

/** The entropies in float64, computed from the definition. A single class is the positive class of two. */
export function expectedOf(rows: Rows, { k = 2, fromLogits = true }: Scoring = {}): number[] {
  return rows.map((row) => {
    const classes = row.length > 1 ? row : [row[0]!, fromLogits ? 0 : 1 - row[0]!];
    return entropyOfProbabilities(fromLogits ? softmax64(classes) : classes, k);
  });
}

export async function checkRows(
  rows: Rows,
  settings: CaseSettings,
  scoring: Scoring = {},
  shape?: number[],
): Promise<void> {
  const expected = expectedOf(rows, scoring);
  for (const entropies of await entropiesOf(rows, settings, scoring, shape)) {
    assertClose(entropies, expected, settings.tolerance * Math.max(1, ...expected));
  }
}

/** Rows of normally distributed logits, rounded as a tensor holds them. */
export function randomLogits(
  rows: number,
  numClasses: number,
  settings: CaseSettings,
  seed: string,
): number[][] {
  const random = seedrandom.alea(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: rows }, () =>
    Array.from({ length: numClasses }, () => stored(3 * normal(), settings)),
  );
}

/** The probabilities of rows of logits. For a single logit, the probability of the positive class. */
export const probabilitiesOf = (logits: Rows, settings: CaseSettings): number[][] =>
  logits.map((row) => {
    if (row.length === 1) return [stored(1 / (1 + Math.exp(-row[0]!)), settings)];
    return softmax64(row).map((p) => stored(p, settings));
  });

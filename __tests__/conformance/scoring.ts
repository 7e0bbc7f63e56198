import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import '../../src/entropy/all-kernels.js';
import { composedTopKEntropy } from '../../src/entropy/composed.js';
import { runTopKEntropy } from '../../src/entropy/run-kernels.js';
import { entropyOfProbabilities, softmax64 } from '../support/entropy64.js';
import { assertClose, stored, type Terms } from './conformance-case.js';

export type Rows = readonly (readonly number[])[];

export interface Scoring {
  readonly k?: number;
  readonly fromLogits?: boolean;
}

export function score(
  predictions: tf.Tensor,
  terms: Terms,
  { k = 2, fromLogits = true }: Scoring = {},
): tf.Tensor1D {
  if (terms.composed !== true) return runTopKEntropy(predictions, k, fromLogits);
  return tf.tidy(() => composedTopKEntropy(tf.cast(predictions, 'float32'), k, fromLogits));
}

/** Values of what `make` gives, by an asynchronous read: some backends have no other. */
export async function valuesOf(make: () => tf.Tensor): Promise<number[]> {
  const tensor = tf.tidy(make);
  try {
    return Array.from(await tensor.data());
  } finally {
    tensor.dispose();
  }
}

/** The same predictions as they are uploaded, and as an operation leaves them, which is another layout. */
const LAYOUTS: readonly ((uploaded: tf.Tensor) => tf.Tensor)[] = [(x) => x, (x) => tf.mul(x, 1)];

/** The entropies of each layout, one after the other. */
export async function entropiesOf(
  rows: Rows,
  terms: Terms,
  scoring?: Scoring,
  shape: number[] = [rows.length, rows[0]!.length],
): Promise<number[][]> {
  const all: number[][] = [];
  for (const layout of LAYOUTS) {
    all.push(await valuesOf(() => score(layout(tf.tensor(rows.flat(), shape)), terms, scoring)));
  }
  return all;
}

/** In float64, written out from the definition; one class is the positive one of two. */
export function expectedOf(rows: Rows, { k = 2, fromLogits = true }: Scoring = {}): number[] {
  return rows.map((row) => {
    const classes = row.length > 1 ? row : [row[0]!, fromLogits ? 0 : 1 - row[0]!];
    return entropyOfProbabilities(fromLogits ? softmax64(classes) : classes, k);
  });
}

export async function checkRows(
  rows: Rows,
  terms: Terms,
  scoring: Scoring = {},
  shape?: number[],
): Promise<void> {
  const expected = expectedOf(rows, scoring);
  for (const entropies of await entropiesOf(rows, terms, scoring, shape)) {
    assertClose(entropies, expected, terms.tolerance * Math.max(1, ...expected));
  }
}

/** Rows of normally distributed logits, as a tensor holds them. */
export function randomLogits(rows: number, numClasses: number, terms: Terms, seed: string): number[][] {
  const random = seedrandom.alea(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: rows }, () =>
    Array.from({ length: numClasses }, () => stored(3 * normal(), terms)),
  );
}

/** Of one logit, that of the positive class. */
export const probabilitiesOf = (logits: Rows, terms: Terms): number[][] =>
  logits.map((row) => {
    if (row.length === 1) return [stored(1 / (1 + Math.exp(-row[0]!)), terms)];
    return softmax64(row).map((p) => stored(p, terms));
  });

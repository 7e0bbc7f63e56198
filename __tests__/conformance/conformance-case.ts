import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';

/** What holds of the backend that a case runs on. */
export interface Terms {
  /** Largest difference of an entropy from float64 that is allowed. */
  readonly tolerance: number;
  /** Whether tensors hold half precision; else float32. */
  readonly half?: boolean;
  /** Composed operations in place of the fused kernels. */
  readonly composed?: boolean;
  /** What tfjs-node does where it computes on a GPU, on whatever it computes. */
  readonly asOnGpu?: boolean;
}

/**
 * One thing that must hold on every backend. It runs where the backend is, which may be a browser's page:
 * reads are asynchronous, and it uses nothing of the test runner.
 */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (terms: Terms) => Promise<void>;
}

/** Runs a case, and expects that it leaves as many tensors and buffers behind as there were. */
export async function runCase({ run }: ConformanceCase, terms: Terms): Promise<void> {
  const before = countOf(tf.memory());
  await run(terms);
  assert.deepEqual(countOf(tf.memory()), before, 'tensors and buffers left behind');
}

function countOf({ numTensors, numDataBuffers }: tf.MemoryInfo): Record<string, number> {
  return { numTensors, numDataBuffers };
}

/** The value that a tensor holds for `value`. */
export function stored(value: number, { half = false }: Terms): number {
  if (!half || value === 0 || !Number.isFinite(value)) return Math.fround(value);
  // Ten bits after the first one, and no step smaller than 2^−24.
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  return Math.round(value / step) * step;
}

export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what = 'difference from float64',
): void {
  assert.lengthOf(actual, expected.length);
  const differences = expected.map((value, i) => Math.abs((actual[i] ?? NaN) - value));
  const worst = differences.findIndex((difference) => !(difference <= tolerance));
  assert.equal(
    worst,
    -1,
    `${what}: at ${worst} of ${actual.length}, got ${actual[worst]}, expected ${expected[worst]} ± ${tolerance}`,
  );
}

import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';

/** How a case runs on a backend. */
export interface CaseSettings {
  /** The largest allowed difference of an entropy from float64. */
  readonly tolerance: number;
  /** Whether tensors hold half precision; else float32. */
  readonly halfPrecision?: boolean;
  /** Whether composed operations are used instead of the fused kernels. */
  readonly composed?: boolean;
  /** Whether tfjs-node takes its code path for a GPU, even without a GPU. */
  readonly simulatesGpu?: boolean;
}

/**
 * A test case for every backend. It runs where the backend runs, which may be a page in a browser. So it reads
 * asynchronously, and uses nothing of the test runner.
 */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (settings: CaseSettings) => Promise<void>;
}

/** Runs a case, and expects that it leaks no tensors and buffers. */
export async function runCase({ run }: ConformanceCase, settings: CaseSettings): Promise<void> {
  const before = countOf(tf.memory());
  await run(settings);
  assert.deepEqual(countOf(tf.memory()), before, 'leaked tensors and buffers');
}

function countOf({ numTensors, numDataBuffers }: tf.MemoryInfo): Record<string, number> {
  return { numTensors, numDataBuffers };
}

/** `value` as a tensor holds it. */
export function stored(value: number, { halfPrecision = false }: CaseSettings): number {
  if (!halfPrecision || value === 0 || !Number.isFinite(value)) return Math.fround(value);
  // Half precision has ten fraction bits, and its smallest step is 2^−24.
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

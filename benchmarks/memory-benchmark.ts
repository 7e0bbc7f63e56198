import { freemem } from 'node:os';
import { openBackend } from '../backends/open-backend.js';
import { ENTRY } from './fit-benchmark.js';
import type { PeakMemory } from './inside/peak-memory.js';
import { BACKENDS, MEMORY_METHODS, type MemoryMethod } from './names.js';
import type { MemoryResult } from './results.js';
import { median } from './statistics.js';

export interface MemoryPlan {
  readonly rows: readonly number[];
  readonly numClasses: readonly number[];
  /** Runs of each cell, for a median: how a process allocates memory differs from run to run. */
  readonly runs: number;
}

export const MEMORY_PLAN: MemoryPlan = { rows: [1e4, 1e5, 1e6], numClasses: [10, 1000], runs: 3 };

const FLOAT_BYTES = 4;
/** As measured: the outputs, their concatenation, its softmax, and two of the softmax's intermediate tensors. */
const COPIES = 5;
/** A cell that takes longer is measured once. */
const LONG_MS = 5_000;

/** Measures each cell on cpu in a new Node process, because a process does not return memory to the system. */
export async function benchmarkMemory(
  { rows, numClasses, runs }: MemoryPlan,
  onResult: (result: MemoryResult) => void,
): Promise<void> {
  for (const classes of numClasses) {
    for (const method of MEMORY_METHODS) {
      for (const count of rows) onResult(await measureCell(method, count, classes, runs));
    }
  }
}

async function measureCell(
  method: MemoryMethod,
  rows: number,
  numClasses: number,
  maxRuns: number,
): Promise<MemoryResult> {
  const neededBytes = method === 'checkpoint' ? 0 : COPIES * rows * numClasses * FLOAT_BYTES;
  const cell = { method, rows, numClasses, neededBytes };
  // Other processes may need part of what is free now.
  if (neededBytes > freemem() / 2) return { ...cell, peak: null, runs: [] };
  const runs = [await measureOnce(cell)];
  while (runs.length < maxRuns && runs.every(({ timeMs }) => timeMs < LONG_MS))
    runs.push(await measureOnce(cell));
  const medianOf = (property: keyof PeakMemory): number => median(runs.map((run) => run[property]));
  const peak = {
    tensorBytes: medianOf('tensorBytes'),
    processBytes: medianOf('processBytes'),
    timeMs: medianOf('timeMs'),
  };
  return { ...cell, peak, runs };
}

async function measureOnce({
  method,
  rows,
  numClasses,
}: Pick<MemoryResult, 'method' | 'rows' | 'numClasses'>): Promise<PeakMemory> {
  const open = await openBackend(BACKENDS.cpu, ENTRY);
  try {
    return await open.call<PeakMemory>('peakMemory', method, rows, numClasses);
  } finally {
    await open.close();
  }
}

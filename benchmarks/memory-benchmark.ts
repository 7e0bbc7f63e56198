import { freemem } from 'node:os';
import { openBackend } from '../backends/open-backend.js';
import { ENTRY } from './fit-benchmark.js';
import type { PeakMemory } from './inside/peak-memory.js';
import { BACKENDS, MEMORY_WAYS, type MemoryWay } from './names.js';
import type { MemoryResult } from './results.js';
import { median } from './statistics.js';

export interface MemoryPlan {
  readonly rows: readonly number[];
  readonly numClasses: readonly number[];
  /** Of each cell, for a median: how a process comes by memory differs from run to run. */
  readonly runs: number;
}

export const MEMORY_PLAN: MemoryPlan = { rows: [1e4, 1e5, 1e6], numClasses: [10, 1000], runs: 3 };

const FLOAT_BYTES = 4;
/** The outputs, all of them joined, the softmax of that, and two of its intermediates, as measured. */
const COPIES = 5;
/** What takes longer is measured once. */
const LONG_MS = 5_000;

/** On cpu in Node, each cell in a process of its own, as a process never gives memory back. */
export async function benchmarkMemory(
  { rows, numClasses, runs }: MemoryPlan,
  onResult: (result: MemoryResult) => void,
): Promise<void> {
  for (const classes of numClasses) {
    for (const way of MEMORY_WAYS) {
      for (const count of rows) onResult(await measureCell(way, count, classes, runs));
    }
  }
}

async function measureCell(
  way: MemoryWay,
  rows: number,
  numClasses: number,
  maxRuns: number,
): Promise<MemoryResult> {
  const neededBytes = way === 'checkpoint' ? 0 : COPIES * rows * numClasses * FLOAT_BYTES;
  const cell = { way, rows, numClasses, neededBytes };
  // What is free now may be wanted by others later.
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
  way,
  rows,
  numClasses,
}: Pick<MemoryResult, 'way' | 'rows' | 'numClasses'>): Promise<PeakMemory> {
  const open = await openBackend(BACKENDS.cpu, ENTRY);
  try {
    return await open.call<PeakMemory>('peakMemory', way, rows, numClasses);
  } finally {
    await open.close();
  }
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Table from 'cli-table3';
import { openBackend, type BackendTarget, type OpenBackend } from '../../backends/open-backend.js';
import type { StoredTraining, TrainingOutcome } from './train-and-restore.js';

const ENTRY = new URL('train-and-restore.ts', import.meta.url);
const TOLERANCE = 1e-5;

/** Restores what each backend has stored on every backend, and prints a table of the differences. */
export function describeRestoring(targets: readonly BackendTarget[]): void {
  const names = targets.map(({ runtime, backend }) => `${backend}, ${runtime}`);
  const differences = names.map(() => names.map(() => '–'));
  const open: OpenBackend[] = [];
  const stored: StoredTraining[] = [];

  beforeAll(async () => {
    for (const target of targets) {
      const backend = await openBackend(target, ENTRY);
      open.push(backend);
      stored.push(await backend.call<StoredTraining>('trainAndStore'));
    }
  });

  afterAll(async () => {
    await Promise.all(open.map((backend) => backend.close()));
    const table = new Table({
      head: ['stored on \\ restored on', ...names],
      style: { head: [], border: [] },
    });
    for (const [i, name] of names.entries()) table.push([name, ...differences[i]!]);
    process.stdout.write(
      `largest difference of a prediction after a checkpoint was restored\n${table.toString()}\n`,
    );
  });

  describe.each(names)('a checkpoint stored on %s', (writer) => {
    test.each(names)(
      'has the exact state and, except for rounding, the same predictions on %s',
      async (reader) => {
        const [from, to] = [names.indexOf(writer), names.indexOf(reader)];
        const { state, predictions, next } = stored[from]!.outcome;
        const restored = await open[to]!.call<TrainingOutcome>('restore', stored[from]);
        const difference = largestDifference([restored.predictions], [predictions]);
        differences[from]![to] = difference.toExponential(1);
        expect(restored.state).toEqual(state);
        expect(difference).toBeLessThanOrEqual(TOLERANCE);
        // One epoch of adam moves a weight by about its step, whatever the rounding.
        if (from === to) expect(restored.next).toEqual(next);
        else expect(largestDifference(restored.next, next)).toBeLessThan(1e-3);
      },
    );
  });
}

function largestDifference(actual: readonly number[][], expected: readonly number[][]): number {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  return Math.max(
    ...actual.flatMap((values, i) => values.map((value, j) => Math.abs(value - expected[i]![j]!))),
  );
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Table from 'cli-table3';
import { openBackend, type BackendChoice, type OpenBackend } from '../../backends/open-backend.js';
import type { Restored, Written } from './restoring.js';

const ENTRY = new URL('restoring.ts', import.meta.url);
const TOLERANCE = 1e-5;

/** What is stored on each of the backends is restored on each, and a table of it printed. */
export function describeRestoring(choices: readonly BackendChoice[]): void {
  const names = choices.map(({ place, backend }) => `${backend}, ${place}`);
  const differences = names.map(() => names.map(() => '–'));
  const open: OpenBackend[] = [];
  const written: Written[] = [];

  beforeAll(async () => {
    for (const choice of choices) {
      const backend = await openBackend(choice, ENTRY);
      open.push(backend);
      written.push(await backend.call<Written>('trainAndStore'));
    }
  }, 300_000);

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

  describe.each(names)('stored on %s', (writer) => {
    test.each(names)(
      'restored on %s: the state is exact, and so are the predictions but for rounding',
      async (reader) => {
        const [from, to] = [names.indexOf(writer), names.indexOf(reader)];
        const { state, predictions, next } = written[from]!.restored;
        const restored = await open[to]!.call<Restored>('restore', written[from]);
        const difference = largestDifference([restored.predictions], [predictions]);
        differences[from]![to] = difference.toExponential(1);
        expect(restored.state).toEqual(state);
        expect(difference).toBeLessThanOrEqual(TOLERANCE);
        // One epoch of adam moves a weight by its step or so, whatever the rounding.
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

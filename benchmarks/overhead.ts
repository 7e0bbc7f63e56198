/**
 * Time of `fit` with the callback over the time of bare `fit`. `npm run bench -- --help` lists the flags.
 *
 * Each round measures every contender once, beginning with another one each time, so that a machine that
 * grows warm or busy favours none; ratios are to the bare `fit` of the same round.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import seedrandom from 'seedrandom';
import { useBackend } from '../examples/noisy-mnist/backend.js';
import { textTable } from '../examples/noisy-mnist/text-table.js';
import { CONTENDERS, type Measurement, type Workload } from './contenders.js';
import { parseFlags } from './flags.js';
import { describeMachine } from './machine.js';
import { median, medianInterval, type Interval } from './statistics.js';
import { syntheticRows } from './synthetic-data.js';

const TRAIN_ROWS = 6000;
const VALIDATION_ROWS = 1000;

interface Result {
  readonly name: string;
  /** Round after round. */
  readonly timesMs: readonly number[];
  readonly medianMs: number;
  /** To the bare `fit` of the same round. */
  readonly ratio: number;
  readonly interval: Interval;
  /** Epochs that a measurement saved. */
  readonly saves: number;
}

/** The measurements of each contender, in its order, round after round. */
async function measure(workload: Workload, rounds: number): Promise<Measurement[][]> {
  const measurements = CONTENDERS.map((): Measurement[] => []);
  for (let round = -1; round < rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds} `);
    for (let turn = 0; turn < CONTENDERS.length; turn++) {
      const index = (turn + round + CONTENDERS.length) % CONTENDERS.length;
      collectGarbage();
      const measurement = await CONTENDERS[index]?.measure(workload);
      // The round before the first one warms up.
      if (round >= 0 && measurement !== undefined) measurements[index]?.push(measurement);
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  return measurements;
}

function summarise(measurements: readonly (readonly Measurement[])[]): Result[] {
  const random = seedrandom('bootstrap');
  const bare = measurements[0] ?? [];
  return CONTENDERS.map(({ name }, index) => {
    const own = measurements[index] ?? [];
    const timesMs = own.map(({ timeMs }) => timeMs);
    const ratios = timesMs.map((timeMs, round) => timeMs / (bare[round]?.timeMs ?? NaN));
    return {
      name,
      timesMs,
      medianMs: median(timesMs),
      ratio: median(ratios),
      interval: medianInterval(ratios, random),
      saves: Math.max(...own.map(({ saves }) => saves)),
    };
  });
}

function overheadTable(results: readonly Result[]): string {
  return textTable(
    ['', 'epochs saved', 'median time', 'to bare fit', '95 % interval'],
    results.map(({ name, saves, medianMs, ratio, interval }, index) => [
      name,
      saves > 0 ? String(saves) : '',
      `${medianMs.toFixed(0)} ms`,
      index === 0 ? '1' : ratio.toFixed(3),
      index === 0 ? '' : `${interval.low.toFixed(3)}–${interval.high.toFixed(3)}`,
    ]),
    ['left', 'right', 'right', 'right', 'right'],
  );
}

/** Garbage of one measurement would be collected in the time of the next one. */
const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

const { rounds, epochs, batchSize, backend, json } = parseFlags(process.argv.slice(2));
await useBackend(backend);
const machine = describeMachine();
console.log(
  `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, TensorFlow.js ${machine.tfjs}, ${backend}.`,
);
console.log(
  `784-128-10, ${TRAIN_ROWS} rows and ${VALIDATION_ROWS} of validation, batches of ${batchSize}, ` +
    `${epochs} epochs, ${rounds} rounds.\n`,
);

const folder = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-bench-'));
try {
  const train = syntheticRows(TRAIN_ROWS, 'train');
  const validation = syntheticRows(VALIDATION_ROWS, 'validation');
  const results = summarise(await measure({ train, validation, epochs, batchSize, folder }, rounds));
  console.log(overheadTable(results));
  if (json !== undefined) {
    const workload = { trainRows: TRAIN_ROWS, validationRows: VALIDATION_ROWS, epochs, batchSize, rounds };
    writeFileSync(json, `${JSON.stringify({ machine, workload, results }, null, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

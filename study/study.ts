/**
 * Compares rules that select an epoch. `npm run study -- --help` lists the flags. README.md describes the trainings
 * and the comparison.
 */
import { Presets, SingleBar } from 'cli-progress';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeBetweenMarks } from '../benchmarks/markdown-file.js';
import { report } from './evaluation/report.js';
import { parseFlags, type Flags } from './flags.js';
import { cellId, fullGrid, quickGrid, type Cell } from './grid.js';
import { publish, type Published } from './publish.js';
import { runGrid } from './training/run-grid.js';
import { runOnQueue } from './training/run-on-queue.js';
import { TrajectoryFile, type Trajectory } from './trajectories.js';

const { preset, processes, train, redis } = parseFlags(process.argv.slice(2));
const GRIDS: Record<Flags['preset'], () => Cell[]> = { quick: quickGrid, full: fullGrid };
const file = new TrajectoryFile(
  fileURLToPath(new URL(preset === 'full' ? 'trajectories.jsonl.gz' : 'quick.jsonl.gz', import.meta.url)),
);
const grid = GRIDS[preset]();
const trajectories = await loadOrTrain(grid).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
if (preset === 'full') writePublished(publish(trajectories));
else console.log(report(trajectories));

function writePublished({ results, tables, images }: Published): void {
  const docs = new URL('../docs/', import.meta.url);
  writeFileSync(new URL('RESULTS.md', import.meta.url), `${results}\n`);
  writeBetweenMarks(fileURLToPath(new URL('choosing-a-monitor.md', docs)), tables);
  for (const [name, svg] of Object.entries(images))
    writeFileSync(new URL(`images/${name}.svg`, docs), `${svg}\n`);
  console.log('Written: study/RESULTS.md, docs/choosing-a-monitor.md and its images.');
}

/** The trajectories of all cells. Trains those that are not recorded, unless `--no-train` is set. */
async function loadOrTrain(cells: readonly Cell[]): Promise<Trajectory[]> {
  const known = new Set(file.read().map(({ cell }) => cellId(cell)));
  const missing = train ? cells.filter((cell) => !known.has(cellId(cell))) : [];
  if (missing.length > 0) {
    console.log(
      `${cells.length} trainings: ${missing.length} are not recorded and are trained, ${processes} at a time.`,
    );
    const bar = progressBar();
    bar.start(missing.length, 0, { cell: '' });
    const record = (trajectory: Trajectory): void => {
      file.append(trajectory);
      bar.increment(1, { cell: cellId(trajectory.cell) });
    };
    try {
      if (redis === undefined) await runGrid(missing, processes, record);
      else await runOnQueue(missing, processes, redis, record);
    } finally {
      bar.stop();
    }
  }
  const byId = new Map(file.read().map((trajectory) => [cellId(trajectory.cell), trajectory]));
  const inOrder = cells.flatMap((cell) => byId.get(cellId(cell)) ?? []);
  if (missing.length > 0) file.pack(inOrder);
  return inOrder;
}

function progressBar(): SingleBar {
  const format = 'training {bar} {value} of {total} | {eta_formatted} left | {cell}';
  // Without a terminal, it prints a line every 30 seconds.
  const options = { format, etaBuffer: 50, noTTYOutput: true, notTTYSchedule: 30_000 };
  return new SingleBar(options, Presets.shades_classic);
}

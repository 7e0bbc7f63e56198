import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AverageName } from './averages.js';
import { NUM_CLASSES_OF } from './data/tasks.js';
import { cellId, type Cell } from './grid.js';
import type { VisibleSignals } from './rules/rule.js';
import type { AveragedSignals, Signals } from './signals.js';

/** A recorded training. */
export interface Trajectory {
  readonly cell: Cell;
  readonly signals: Signals;
  /** Signals of validation with averaged weights, for each average that was recorded. */
  readonly averaged: Readonly<Partial<Record<AverageName, AveragedSignals>>>;
}

/**
 * The signals of a training, where those of validation and test are of averaged weights.
 *
 * @param average null: of the weights as they were trained.
 * @throws RangeError if the average was not recorded.
 */
export function signalsWith({ cell, signals, averaged }: Trajectory, average: AverageName | null): Signals {
  if (average === null) return signals;
  const overlay = averaged[average];
  if (overlay === undefined)
    throw new RangeError(`${cellId(cell)}: the average "${average}" was not recorded.`);
  return { ...signals, ...overlay };
}

/** The signals that a rule may see: all but the test accuracy. */
export function visibleSignals(trajectory: Trajectory, average: AverageName | null = null): VisibleSignals {
  const { cell } = trajectory;
  const { 'test-accuracy': _, ...visible } = signalsWith(trajectory, average);
  return { ...visible, numClasses: NUM_CLASSES_OF[cell.task] };
}

/**
 * Stores trajectories in two files. New ones are appended to a loose file, one line of JSON each. `pack` moves them
 * into a compressed file.
 */
export class TrajectoryFile {
  readonly #packed: string;
  readonly #loose: string;

  /** @param path of the compressed file, `….jsonl.gz`. It need not exist. */
  constructor(path: string) {
    this.#packed = path;
    this.#loose = path.replace(/\.gz$/, '');
  }

  read(): Trajectory[] {
    const packed = existsSync(this.#packed) ? gunzipSync(readFileSync(this.#packed)).toString() : '';
    const loose = existsSync(this.#loose) ? readFileSync(this.#loose, 'utf8') : '';
    const byId = new Map<string, Trajectory>();
    for (const line of `${packed}\n${loose}`.split('\n')) {
      const trajectory = parse(line);
      if (trajectory !== null) byId.set(cellId(trajectory.cell), trajectory);
    }
    return [...byId.values()];
  }

  append(trajectory: Trajectory): void {
    // A study that was killed while it wrote a line may have left it without an end.
    appendFileSync(this.#loose, `\n${JSON.stringify(trajectory)}\n`);
  }

  /** Compresses `trajectories`, in this order, and removes all others. */
  pack(trajectories: readonly Trajectory[]): void {
    const text = trajectories.map((trajectory) => `${JSON.stringify(trajectory)}\n`).join('');
    const temporary = `${this.#packed}.tmp`;
    writeFileSync(temporary, gzipSync(text, { level: 9 }));
    renameSync(temporary, this.#packed);
    writeFileSync(this.#loose, '');
  }
}

/** Returns null for a line that is empty or cut off. */
function parse(line: string): Trajectory | null {
  try {
    return line === '' ? null : (JSON.parse(line) as Trajectory);
  } catch {
    return null;
  }
}

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { NUM_CLASSES_OF } from './data/tasks.js';
import { cellId, type Cell } from './grid.js';
import type { VisibleSignals } from './rules/rule.js';
import type { Signals } from './signals.js';

/** A training that has been recorded. */
export interface Trajectory {
  readonly cell: Cell;
  readonly signals: Signals;
}

/** What a rule may see of a training. */
export function withoutTest({ cell, signals }: Trajectory): VisibleSignals {
  const { 'test-accuracy': _, ...visible } = signals;
  return { ...visible, numClasses: NUM_CLASSES_OF[cell.task] };
}

/**
 * Trajectories in two files: those that are finished, a line of JSON each, appended as they come; and those of
 * before, compressed.
 */
export class TrajectoryFile {
  readonly #packed: string;
  readonly #loose: string;

  /** @param path of the compressed file, `….jsonl.gz`; need not exist. */
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
    // The line of a study that was killed in the midst of writing it may have no end.
    appendFileSync(this.#loose, `\n${JSON.stringify(trajectory)}\n`);
  }

  /** Compresses all of `trajectories`, in that order, and has no others any more. */
  pack(trajectories: readonly Trajectory[]): void {
    const text = trajectories.map((trajectory) => `${JSON.stringify(trajectory)}\n`).join('');
    const temporary = `${this.#packed}.tmp`;
    writeFileSync(temporary, gzipSync(text, { level: 9 }));
    renameSync(temporary, this.#packed);
    writeFileSync(this.#loose, '');
  }
}

/** Null for a line that is empty or was cut off. */
function parse(line: string): Trajectory | null {
  try {
    return line === '' ? null : (JSON.parse(line) as Trajectory);
  } catch {
    return null;
  }
}

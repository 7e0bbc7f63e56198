import { stepOf } from '../../__tests__/stores/fixtures/checkpoints.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { isCheckpointSlot, type Json, type CheckpointSlot } from '../../src/stores/store.js';
import { storedFiles } from '../stored-files.js';
import type { Tally } from '../tally.js';
import type { Workspace } from '../workspace.js';
import { ProcessJudge } from './process-judge.js';
import type { VictimRun, Trial } from './trial.js';
import type { KillRow } from './kill-rows.js';
import { contentsAfter, slotUpdateOf, sizeFloatsOf, type Contents } from './numbered-saves.js';
import type { SavingOrder, SavingReport } from './saving-victim.js';
import type { VictimProcess } from './victim-process.js';

type SavingRun = VictimRun<SavingReport>;

export interface SavingTrialParts {
  /** The folder is created in it. */
  readonly parent: string;
  readonly windowMs: number;
  readonly start: () => VictimProcess<SavingOrder, SavingReport>;
  readonly tally: Tally<KillRow>;
  readonly workspace: Pick<Workspace, 'newPath' | 'keep'>;
}

/** After that many processes a new folder begins, because a first save differs from the others. */
const MAX_RUNS = 25;
/** How many saves the process after the last kill makes. It isn't killed. */
const LAST_SAVES = 10;

/** A save loop that is killed and started again, many times. */
export class SavingTrial implements Trial<SavingOrder, SavingReport> {
  readonly folder: string;
  readonly windowMs: number;
  readonly start: () => VictimProcess<SavingOrder, SavingReport>;
  readonly #parts: SavingTrialParts;
  readonly #processJudge: ProcessJudge;
  /** The first save of each process. */
  readonly #firstSaves: number[] = [];
  #judged = 0;
  /** What the previous process left behind. */
  #contents: Contents = new Map();

  constructor(parts: SavingTrialParts) {
    this.folder = parts.workspace.newPath('saving', parts.parent);
    this.windowMs = parts.windowMs;
    this.start = parts.start;
    this.#parts = parts;
    this.#processJudge = new ProcessJudge('saving', parts.tally);
  }

  order(previous: SavingRun | null, willBeKilled: boolean): SavingOrder {
    // The save after the last reported one may be complete, or half done. Its number is not used again.
    const first = previous === null ? 0 : lastSaved(previous, this.#firstSaves.at(-1)!) + 2;
    this.#firstSaves.push(first);
    return { folder: this.folder, first, maxSaves: willBeKilled ? null : LAST_SAVES };
  }

  isOver({ wasKilled }: SavingRun): boolean {
    return !wasKilled || this.#firstSaves.length === MAX_RUNS;
  }

  async judge(run: SavingRun): Promise<void> {
    const { tally, workspace } = this.#parts;
    const lossesBefore = tally.losses;
    this.#processJudge.judge(run);
    const first = this.#firstSaves[this.#judged++]!;
    const last = lastSaved(run, first);
    let expected = this.#contents;
    for (let step = first; step <= last; step++) expected = contentsAfter(expected, step);
    const found = await this.#load(run.found);
    const next = contentsAfter(expected, last + 1);
    for (const slot of new Set([...expected.keys(), ...next.keys(), ...found.keys()])) {
      const [before, after, got] = [expected, next, found].map((contents) => contents.get(slot));
      if (got === before || got === after) continue;
      tally.addLoss(
        'older',
        `slot "${slot}": expected save ${before ?? 'none'} or ${after ?? 'none'}, got ${got ?? 'none'}`,
      );
    }
    const { into } = slotUpdateOf(last + 1);
    const arrived = into.filter((slot) => found.get(slot) === last + 1).length;
    if (arrived > 0 && arrived < into.length) tally.count('betweenSlots');
    this.#contents = found;
    if (tally.losses > lossesBefore) tally.addNote(workspace.keep(run.found));
  }

  async #load(folder: string): Promise<Contents> {
    const { tally } = this.#parts;
    const contents = new Map<CheckpointSlot, number>();
    for (const slot of [...storedFiles(folder).slots.keys()].filter(isCheckpointSlot)) {
      try {
        contents.set(slot, await loadStep(folder, slot));
        tally.count('checkpoints');
      } catch (error) {
        tally.addLoss('damaged', `slot "${slot}": ${String(error)}`);
      }
    }
    return contents;
  }
}

function lastSaved({ reports }: SavingRun, first: number): number {
  return Math.max(first - 1, ...reports.map(({ saved = -1 }) => saved));
}

/** @throws Error if a byte differs. */
async function loadStep(folder: string, slot: CheckpointSlot): Promise<number> {
  const stored = await new FileStore(folder).load(slot);
  if (stored === null) throw new Error('It is gone.');
  const metadata = stored.manifest.metadata['entropyCheckpoint'] as Record<string, Json>;
  return (await stepOf(stored, sizeFloatsOf(Number(metadata['step']))))!;
}

import { stepOf } from '../../__tests__/stores/fixtures/checkpoints.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { isCheckpointSlot, type Json, type CheckpointSlot } from '../../src/stores/store.js';
import { storedFiles } from '../stored-files.js';
import type { Tally } from '../tally.js';
import type { Workspace } from '../workspace.js';
import { ProcessJudge } from './judge-process.js';
import type { Session, Trial } from './kill-loop.js';
import type { KillRow } from './kill-rows.js';
import { contentsAfter, slotUpdateOf, sizeOf, type Contents } from './numbered-saves.js';
import type { SavingOrder, SavingReport } from './saving-victim.js';
import type { VictimProcess } from './victim-process.js';

type SavingSession = Session<SavingReport>;

export interface SavingTrialParts {
  /** Where the folder is made. */
  readonly parent: string;
  readonly windowMs: number;
  readonly start: () => VictimProcess<SavingOrder, SavingReport>;
  readonly tally: Tally<KillRow>;
  readonly workspace: Pick<Workspace, 'newPath' | 'keep'>;
}

/** Then a new folder is begun, as a first save is unlike the others. */
const SESSIONS = 25;
/** Of the process that is not killed, after the last kill. */
const LAST_SAVES = 10;

/** A loop of saves that is killed, begun again, killed …. */
export class SavingTrial implements Trial<SavingOrder, SavingReport> {
  readonly folder: string;
  readonly windowMs: number;
  readonly start: () => VictimProcess<SavingOrder, SavingReport>;
  readonly #parts: SavingTrialParts;
  readonly #processes: ProcessJudge;
  /** The first save of each process so far. */
  readonly #firsts: number[] = [];
  #judged = 0;
  /** What the last process has left behind. */
  #contents: Contents = new Map();

  constructor(parts: SavingTrialParts) {
    this.folder = parts.workspace.newPath('saving', parts.parent);
    this.windowMs = parts.windowMs;
    this.start = parts.start;
    this.#parts = parts;
    this.#processes = new ProcessJudge('saving', parts.tally);
  }

  order(before: SavingSession | null, willBeKilled: boolean): SavingOrder {
    // One more may have been completed, or have got half way.
    const first = before === null ? 0 : lastSaved(before, this.#firsts.at(-1)!) + 2;
    this.#firsts.push(first);
    return { folder: this.folder, first, maxSaves: willBeKilled ? null : LAST_SAVES };
  }

  isOver({ wasKilled }: SavingSession): boolean {
    return !wasKilled || this.#firsts.length === SESSIONS;
  }

  async judge(session: SavingSession): Promise<void> {
    const { tally, workspace } = this.#parts;
    const lossesBefore = tally.losses;
    this.#processes.judge(session);
    const first = this.#firsts[this.#judged++]!;
    const last = lastSaved(session, first);
    let expected = this.#contents;
    for (let step = first; step <= last; step++) expected = contentsAfter(expected, step);
    const found = await this.#load(session.found);
    const next = contentsAfter(expected, last + 1);
    for (const slot of new Set([...expected.keys(), ...next.keys(), ...found.keys()])) {
      const [before, after, got] = [expected, next, found].map((contents) => contents.get(slot));
      if (got === before || got === after) continue;
      tally.lose(
        'older',
        `slot "${slot}": expected save ${before ?? 'none'} or ${after ?? 'none'}, got ${got ?? 'none'}`,
      );
    }
    const { into } = slotUpdateOf(last + 1);
    const arrived = into.filter((slot) => found.get(slot) === last + 1).length;
    if (arrived > 0 && arrived < into.length) tally.count('between');
    this.#contents = found;
    if (tally.losses > lossesBefore) tally.note(workspace.keep(session.found));
  }

  async #load(folder: string): Promise<Contents> {
    const { tally } = this.#parts;
    const contents = new Map<CheckpointSlot, number>();
    for (const slot of [...storedFiles(folder).slots.keys()].filter(isCheckpointSlot)) {
      try {
        contents.set(slot, await loadStep(folder, slot));
        tally.count('checkpoints');
      } catch (error) {
        tally.lose('damaged', `slot "${slot}": ${String(error)}`);
      }
    }
    return contents;
  }
}

function lastSaved({ reports }: SavingSession, first: number): number {
  return Math.max(first - 1, ...reports.map(({ saved = -1 }) => saved));
}

/** @throws Error where a byte differs. */
async function loadStep(folder: string, slot: CheckpointSlot): Promise<number> {
  const stored = await new FileStore(folder).load(slot);
  if (stored === null) throw new Error('It is gone.');
  const own = stored.manifest.metadata['entropyCheckpoint'] as Record<string, Json>;
  return (await stepOf(stored, sizeOf(Number(own['step']))))!;
}

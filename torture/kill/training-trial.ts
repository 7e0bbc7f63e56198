import type * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../src/index.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import type { Tally } from '../tally.js';
import { loadSlots } from '../training/load-slots.js';
import type { ReferenceEpoch } from '../training/reference.js';
import type { Workspace } from '../workspace.js';
import { ProcessJudge } from './judge-process.js';
import type { Session, Trial } from './kill-loop.js';
import type { KillRow } from './kill-rows.js';
import type { TrainingOrder, TrainingReport } from './training-victim.js';
import type { VictimProcess } from './victim-process.js';

type TrainingSession = Session<TrainingReport>;

export interface TrainingTrialParts {
  readonly windowMs: number | null;
  readonly start: () => VictimProcess<TrainingOrder, TrainingReport>;
  /** Before which change of the folder a process is to kill itself, where it is to. */
  readonly dieAtChange: () => number | null;
  /** What the training comes to without kills. */
  readonly reference: readonly ReferenceEpoch[];
  /** Of the same shape, to load into. */
  readonly model: tf.LayersModel;
  readonly tally: Tally<KillRow>;
  readonly workspace: Workspace;
}

/** What `verbose: 1` prints when an epoch has reached the store. */
const STORED = /^\[entropy-checkpoint\] epoch (\d+): .* saved to folder /;
const FLUSH_EVERY = [0, 1, 4];

/** A training that is killed, resumed, killed …, until it has come to its end. */
export class TrainingTrial implements Trial<TrainingOrder, TrainingReport> {
  readonly folder: string;
  readonly windowMs: number | null;
  readonly start: () => VictimProcess<TrainingOrder, TrainingReport>;
  readonly #parts: TrainingTrialParts;
  readonly #processes: ProcessJudge;
  #orders = 0;
  /** What the last process has left behind. */
  #found: ReadonlyMap<CheckpointSlot, number> = new Map();
  /** The latest epoch whose best ones were all there. */
  #newestKept = -1;
  /** Of the best epochs those that are lost, each told once. */
  readonly #gone = new Set<number>();

  constructor(parts: TrainingTrialParts) {
    this.folder = parts.workspace.newPath('training');
    this.windowMs = parts.windowMs;
    this.start = parts.start;
    this.#parts = parts;
    this.#processes = new ProcessJudge(parts.windowMs === null ? 'self' : 'training', parts.tally);
  }

  order(_before: TrainingSession | null, willBeKilled: boolean): TrainingOrder {
    this.#orders++;
    return {
      folder: this.folder,
      flushEvery: FLUSH_EVERY[this.#orders % FLUSH_EVERY.length]!,
      dieAtChange: willBeKilled ? this.#parts.dieAtChange() : null,
    };
  }

  isOver(last: TrainingSession): boolean {
    return !last.wasKilled;
  }

  async judge(session: TrainingSession): Promise<void> {
    const { tally, workspace } = this.#parts;
    const lossesBefore = tally.losses;
    this.#processes.judge(session);
    this.#judgeEpochs(session);
    const found = await this.#judgeSlots(session);
    this.#judgeContents(session, found);
    if (!session.wasKilled) this.#judgeEnd(found);
    if (tally.losses > lossesBefore) tally.note(workspace.keep(session.found));
  }

  /** Whether it went on where the one before had stopped, and as one would that was never stopped. */
  #judgeEpochs({ reports }: TrainingSession): void {
    const { reference, tally } = this.#parts;
    const newest = Math.max(-1, ...this.#found.values());
    for (const { initialEpoch, history = [], epoch, record } of reports) {
      if (initialEpoch !== undefined) {
        const expected = reference.slice(0, newest + 1).map((one) => one.record);
        const isSame = JSON.stringify(history) === JSON.stringify(expected);
        if (initialEpoch !== newest + 1 || !isSame) {
          const where = `went on from epoch ${initialEpoch}, expected ${newest + 1}`;
          tally.lose('resumedElsewhere', `${where}${isSame ? '' : '; another history'}`);
        }
      }
      if (epoch === undefined) continue;
      tally.count('epochs');
      if (record !== reference[epoch]?.record) tally.lose('differing', `epoch ${epoch}: ${record ?? ''}`);
    }
  }

  async #judgeSlots({ found }: TrainingSession): Promise<ReadonlyMap<CheckpointSlot, number>> {
    const { reference, model, tally } = this.#parts;
    const { epochs, problems } = await loadSlots(found, model, reference);
    tally.count('checkpoints', epochs.size);
    for (const problem of problems) tally.lose('damaged', problem);
    // As a user does it.
    const loaded = epochs.has('best') ? await loadCheckpoint(found, { model }).catch(String) : null;
    if (typeof loaded === 'string') tally.lose('damaged', loaded);
    else if (loaded !== null && loaded.record.epoch !== epochs.get('best')) {
      tally.lose('damaged', 'another epoch than that of the best was loaded');
    }
    return epochs;
  }

  /** Whether everything is there that had been reported as stored, or that the process before had left. */
  #judgeContents({ reports, prints }: TrainingSession, found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const printed = prints.map((line) => Number(STORED.exec(line)?.[1] ?? -1));
    const reported = Math.max(-1, ...printed, ...reports.map(({ flushed = -1 }) => flushed));
    const newest = Math.max(-1, ...found.values());
    const [best, last] = [found.get('best') ?? -1, found.get('last') ?? -1];
    const lastBefore = Math.max(reported, this.#found.get('last') ?? -1);
    if (last < lastBefore) tally.lose('older', `epoch ${lastBefore} was stored, found ${last} as the last`);
    // The best after the last epoch that was stored, or after one that had just come to be so.
    const from = Math.min(reported, newest);
    const possible = reference.slice(Math.max(0, from), newest + 1).map((one) => one.best);
    if (from < 0) possible.push(this.#found.get('best') ?? -1);
    if (!possible.includes(best)) tally.lose('older', `after epoch ${from} the best is ${best}`);
    this.#judgeKept(from, newest, found);
    this.#found = found;
  }

  #judgeKept(reported: number, newest: number, found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const slots = [...found].filter(([slot]) => slot !== 'best' && slot !== 'last');
    const there = new Set(slots.map(([, epoch]) => epoch));
    const { kept = [] } = reference[newest] ?? {};
    if ((found.get('last') ?? -1) < newest || (kept.includes(newest) && !there.has(newest))) {
      tally.count('between');
    }
    const from = Math.max(reported, this.#newestKept);
    if (from < 0) return;
    const goneAfter = (epoch: number): number[] =>
      reference[epoch]!.kept.filter((one) => !there.has(one) && !this.#gone.has(one));
    const complete = reference.findLastIndex((_, i) => i >= from && i <= newest && goneAfter(i).length === 0);
    this.#newestKept = Math.max(from, complete);
    if (complete >= 0) return;
    const gone = goneAfter(from);
    tally.lose(
      'notKept',
      `after epoch ${from} without ${gone.join(', ')}, there are ${[...there].join(', ')}`,
    );
    for (const epoch of gone) this.#gone.add(epoch);
  }

  #judgeEnd(found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const { best, kept } = reference.at(-1)!;
    tally.count('finished');
    // Others have taken the places of those that are gone.
    if (this.#gone.size > 0) return;
    const expected = [best, reference.length - 1, ...kept].sort((a, b) => a - b).join();
    const got = [...found.values()].sort((a, b) => a - b).join();
    if (got !== expected) tally.lose('older', `at the end expected epochs ${expected}, got ${got}`);
  }
}

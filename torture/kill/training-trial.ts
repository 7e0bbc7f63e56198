import type * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../src/index.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import type { Tally } from '../tally.js';
import { loadSlots } from '../training/load-slots.js';
import { MAX_TO_KEEP } from '../training/train.js';
import type { ReferenceEpoch } from '../training/reference.js';
import type { Workspace } from '../workspace.js';
import { ProcessJudge } from './process-judge.js';
import type { VictimRun, Trial } from './trial.js';
import type { KillRow } from './kill-rows.js';
import type { TrainingOrder, TrainingReport } from './training-victim.js';
import type { VictimProcess } from './victim-process.js';

type TrainingRun = VictimRun<TrainingReport>;

export interface TrainingTrialParts {
  readonly windowMs: number | null;
  readonly start: () => VictimProcess<TrainingOrder, TrainingReport>;
  /** Draws the rename or removal at which a process kills itself; null: it does not. */
  readonly killAtChange: () => number | null;
  /** The same training without kills. */
  readonly reference: readonly ReferenceEpoch[];
  /** A model of the same shape, to load into. */
  readonly model: tf.LayersModel;
  readonly tally: Tally<KillRow>;
  readonly workspace: Workspace;
}

/** What `verbose: 1` prints when an epoch is stored. */
const STORED = /^\[entropy-checkpoint\] epoch (\d+): .* saved to folder /;
const FLUSH_EVERY = [0, 1, 4];

/** A training that is killed and resumed until it ends. */
export class TrainingTrial implements Trial<TrainingOrder, TrainingReport> {
  readonly folder: string;
  readonly windowMs: number | null;
  readonly start: () => VictimProcess<TrainingOrder, TrainingReport>;
  readonly #parts: TrainingTrialParts;
  readonly #processJudge: ProcessJudge;
  #orders = 0;
  /** The epoch in each slot that the previous process left behind. */
  #found: ReadonlyMap<CheckpointSlot, number> = new Map();
  /** Epochs that only a killed process had in memory. Those after them were computed again. */
  readonly #lost = new Set<number>();

  constructor(parts: TrainingTrialParts) {
    this.folder = parts.workspace.newPath('training');
    this.windowMs = parts.windowMs;
    this.start = parts.start;
    this.#parts = parts;
    this.#processJudge = new ProcessJudge(parts.windowMs === null ? 'self' : 'training', parts.tally);
  }

  order(_previous: TrainingRun | null, willBeKilled: boolean): TrainingOrder {
    this.#orders++;
    return {
      folder: this.folder,
      flushEvery: FLUSH_EVERY[this.#orders % FLUSH_EVERY.length]!,
      killAtChange: willBeKilled ? this.#parts.killAtChange() : null,
    };
  }

  isOver(last: TrainingRun): boolean {
    return !last.wasKilled;
  }

  async judge(run: TrainingRun): Promise<void> {
    const { tally, workspace } = this.#parts;
    const lossesBefore = tally.losses;
    this.#processJudge.judge(run);
    this.#judgeEpochs(run);
    const found = await this.#judgeSlots(run);
    this.#judgeContents(run, found);
    if (run.wasKilled) this.#rememberLost(found);
    else this.#judgeEnd(run, found);
    if (tally.losses > lossesBefore) tally.addNote(workspace.keep(run.found));
  }

  /** Expects it to resume from the latest stored epoch, and to compute the same epochs as an uninterrupted training. */
  #judgeEpochs({ reports }: TrainingRun): void {
    const { reference, tally } = this.#parts;
    const newest = Math.max(-1, ...this.#found.values());
    for (const { initialEpoch, history = [], epoch, record } of reports) {
      if (initialEpoch !== undefined) {
        const expected = reference.slice(0, newest + 1).map((reached) => reached.record);
        const isSame = JSON.stringify(history) === JSON.stringify(expected);
        if (initialEpoch !== newest + 1 || !isSame) {
          const where = `resumed at epoch ${initialEpoch}, expected ${newest + 1}`;
          tally.addLoss('wrongResume', `${where}${isSame ? '' : '; the history differs'}`);
        }
      }
      if (epoch === undefined) continue;
      tally.count('epochs');
      if (record !== reference[epoch]?.record) tally.addLoss('diverged', `epoch ${epoch}: ${record ?? ''}`);
    }
  }

  async #judgeSlots({ found }: TrainingRun): Promise<ReadonlyMap<CheckpointSlot, number>> {
    const { reference, model, tally } = this.#parts;
    const { epochs, problems } = await loadSlots(found, model, reference);
    tally.count('checkpoints', epochs.size);
    for (const problem of problems) tally.addLoss('damaged', problem);
    // The way users load it.
    const loaded = epochs.has('best') ? await loadCheckpoint(found, { model }).catch(String) : null;
    if (typeof loaded === 'string') tally.addLoss('damaged', loaded);
    else if (loaded !== null && loaded.record.epoch !== epochs.get('best')) {
      tally.addLoss('damaged', 'the loaded epoch is not the one in slot "best"');
    }
    return epochs;
  }

  /** Expects everything that had been reported as stored, or that the previous process had left. */
  #judgeContents({ reports, prints }: TrainingRun, found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const printed = prints.map((line) => Number(STORED.exec(line)?.[1] ?? -1));
    const flushed = Math.max(-1, ...reports.map((one) => one.flushed ?? -1));
    const reported = Math.max(flushed, ...printed);
    const newest = Math.max(-1, ...found.values());
    const [best, last] = [found.get('best') ?? -1, found.get('last') ?? -1];
    const lastBefore = Math.max(reported, this.#found.get('last') ?? -1);
    if (last < lastBefore)
      tally.addLoss('older', `expected epoch ${lastBefore} or later as the last, got ${last}`);
    // The best of the last epoch that was reported as stored, or of one that was stored after that report.
    const from = Math.min(reported, newest);
    const possible = reference.slice(Math.max(0, from), newest + 1).map((epoch) => epoch.best);
    if (from < 0) possible.push(this.#found.get('best') ?? -1);
    if (!possible.includes(best))
      tally.addLoss(
        'older',
        `after epoch ${from}: expected ${possible.join(' or ')} as the best, got ${best}`,
      );
    this.#judgeKept(Math.min(flushed, newest), newest, found);
    this.#found = found;
  }

  /**
   * Expects the best epochs of the last `flush`, or else those that the previous process had left. A later epoch may have
   * taken the place of each. A line of `verbose` says nothing about others than its own epoch.
   */
  #judgeKept(flushed: number, newest: number, found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const [stored, before] = [found, this.#found].map(keptEpochs) as [number[], number[]];
    const { kept = [] } = reference[newest] ?? {};
    if ((found.get('last') ?? -1) < newest || (kept.includes(newest) && !stored.includes(newest))) {
      tally.count('betweenSlots');
    }
    const expected =
      flushed >= 0 ? reference[flushed]!.kept.filter((epoch) => !this.#lost.has(epoch)) : before;
    const missing = expected.filter((epoch) => !stored.includes(epoch));
    const later = stored.filter((epoch) => !expected.includes(epoch) && epoch > Math.min(...missing));
    // A kill may have come between a save and the removal of what it replaces.
    const surplus = Math.max(0, expected.length - MAX_TO_KEEP);
    if (missing.length > later.length + surplus) {
      const where = `after epoch ${newest}: expected ${expected.join(', ')} or later ones`;
      tally.addLoss('notKept', `${where}, got ${stored.join(', ')}`);
    }
  }

  #rememberLost(found: ReadonlyMap<CheckpointSlot, number>): void {
    const stored = [...found.values()];
    for (let epoch = 0; epoch < Math.max(-1, ...stored); epoch++) {
      if (!stored.includes(epoch)) this.#lost.add(epoch);
    }
  }

  #judgeEnd({ reports }: TrainingRun, found: ReadonlyMap<CheckpointSlot, number>): void {
    const { reference, tally } = this.#parts;
    const { best, kept } = reference.at(-1)!;
    tally.count('finished');
    const stored = keptEpochs(found);
    // Others have taken the places of those that are lost.
    const areKept = kept.every((epoch) => stored.includes(epoch) || this.#lost.has(epoch));
    const isBest = found.get('best') === best || this.#lost.has(best);
    const isLast = found.get('last') === reference.length - 1;
    // Without another save, what a killed process has not removed is still there.
    const hasSaved = reports.some(({ epoch }) => epoch !== undefined);
    const isSurplus = hasSaved && stored.length > kept.length;
    if (areKept && isBest && isLast && stored.length >= kept.length && !isSurplus) return;
    const got = [...found].map(([slot, epoch]) => `${slot}: ${epoch}`).join(', ');
    tally.addLoss('older', `at the end: expected ${best} of ${kept.join(', ')}, got ${got}`);
  }
}

function keptEpochs(slots: ReadonlyMap<CheckpointSlot, number>): number[] {
  return [...slots].filter(([slot]) => slot !== 'best' && slot !== 'last').map(([, epoch]) => epoch);
}

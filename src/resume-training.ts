import { CRITERION_NAMES } from './criteria/criterion.js';
import type { EpochComparison } from './epoch-comparison.js';
import type { EpochRecord } from './epoch-record.js';
import type { EpochScore } from './epoch-score.js';
import { EntropyCheckpointError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import { placementOf, surplusSlots } from './placements.js';
import { isSameEpoch } from './ranking.js';
import type { DecodedHead } from './state/decode-checkpoint.js';
import { withTensor } from './state/tensor-source.js';
import { restoreState } from './state/training-state.js';
import { copySlot, readWholeHeads, withFirstWhole, type StoredHead } from './stored-checkpoints.js';
import type { CheckpointStore } from './stores/store.js';
import type { Trained } from './trained.js';
import { textOf, warn } from './warnings.js';

/** What is known of a training besides its state. */
export interface Progress {
  readonly options: ResolvedOptions;
  readonly comparison: EpochComparison;
  readonly score: EpochScore;
}

/**
 * Goes on from the latest epoch that is stored and whole: state, best and history.
 *
 * @param progress of a training that has not begun; takes over that of the one that is stored.
 * @param stored takes the epochs that are stored, by checksum.
 * @returns the epoch after it; 0 where nothing is whole.
 * @throws EntropyCheckpointError as `readWholeHeads`, `withFirstWhole` and `restoreState`.
 */
export async function resumeTraining(
  store: CheckpointStore,
  { model, optimizer }: Trained,
  progress: Progress,
  stored: Map<string, EpochRecord>,
): Promise<number> {
  const { heads, errors } = await readWholeHeads(store);
  const latestFirst = [...heads].sort((a, b) => b.history.length - a.history.length);
  const slots = latestFirst.map(({ slot }) => slot);
  const initialEpoch = await withFirstWhole(store, slots, async (checkpoint) => {
    checkMonitor(checkpoint, progress.options, store.name);
    if (checkpoint.state.optimizer !== null && optimizer === null) throw notCompiled(store.name);
    const { remembered } = checkpoint.state;
    await restoreState(checkpoint.state, model, optimizer);
    if (remembered !== null)
      await withTensor(remembered, (tensor) => {
        progress.score.restore(tensor);
      });
    adopt(checkpoint.history, heads, progress.comparison, stored);
    // Without it, the next save does the same.
    await mend(store, heads, stored.get(checkpoint.checksum)!, progress, stored).catch((error: unknown) => {
      warn(`What is stored could not be completed: ${textOf(error)}`);
    });
    return checkpoint.record.epoch + 1;
  });
  if (initialEpoch === null && errors[0] !== undefined) throw errors[0];
  for (const error of errors) warn(`${textOf(error)} Training goes on from epoch ${initialEpoch ?? 0}.`);
  return initialEpoch ?? 0;
}

/** Takes over the epochs of an earlier training, and of those that are stored the ones that belong to it. */
function adopt(
  history: readonly EpochRecord[],
  heads: readonly StoredHead[],
  comparison: EpochComparison,
  stored: Map<string, EpochRecord>,
): void {
  for (const head of heads) {
    const record = history.findLast((one) => isSameEpoch(one, head.record));
    if (record !== undefined) stored.set(head.checksum, record);
  }
  // The latest may be the best, where a save was cut short that was to put it there as well.
  const ranked = heads.filter(({ slot, record }) => slot !== 'last' || record.isBest);
  const kept = ranked.map(({ checksum }) => stored.get(checksum)).filter((record) => record !== undefined);
  comparison.adopt(history, new Set(kept));
}

/**
 * Does what a save that was cut short has not come to, and mends what is damaged, as far as it is stored
 * elsewhere: puts each epoch that is kept into its slots, and removes one that was pushed out.
 *
 * @param last the epoch that is resumed.
 */
async function mend(
  store: CheckpointStore,
  heads: readonly StoredHead[],
  last: EpochRecord,
  { comparison, options }: Progress,
  stored: ReadonlyMap<string, EpochRecord>,
): Promise<void> {
  for (const record of new Set([last, ...comparison.kept])) {
    const found = heads.filter(({ checksum }) => stored.get(checksum) === record);
    const done = found.map(({ slot }) => slot);
    const { into } = placementOf(record, record === last, comparison, options);
    const missing = into.filter((slot) => !done.includes(slot));
    const surplus = record === last ? surplusSlots(await store.slots(), comparison, options) : [];
    if (found[0] === undefined || missing.length + surplus.length === 0) continue;
    await copySlot(store, found[0].slot, missing.length > 0 ? missing : done, surplus);
  }
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` where what is stored was chosen by something else. */
function checkMonitor(
  stored: DecodedHead,
  { monitor, mode, criterion }: Pick<ResolvedOptions, 'monitor' | 'mode' | 'criterion'>,
  storeName: string,
): void {
  if (stored.monitor === monitor && stored.mode === mode) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected ${comparison(stored.monitor, stored.mode)}, with which ${storeName} was written, ` +
      `got ${criterion === 'max-entropy' ? `'${monitor}' and '${mode}'` : `\`criterion: '${criterion}'\``}: the ` +
      'epochs could not be compared.',
  );
}

function comparison(monitor: string, mode: 'max' | 'min'): string {
  const isCriterion = (CRITERION_NAMES as readonly string[]).includes(monitor);
  return isCriterion ? `\`criterion: '${monitor}'\`` : `\`monitor: '${monitor}', mode: '${mode}'\``;
}

function notCompiled(storeName: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected a model that is compiled, as ${storeName} holds the state of an optimizer, got one without. ` +
      'Compile it before `resume`.',
  );
}

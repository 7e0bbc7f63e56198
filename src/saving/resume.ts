import { EntropyCheckpointError, excerpt } from '../errors.js';
import { isSameEpoch, type EpochRecord } from '../epoch-record.js';
import type { TrainingIdentity } from '../format/checkpoint-metadata.js';
import { areSameAveraging, textOfAveraging, type AveragingSettings } from '../format/averaging-settings.js';
import type { TrainingState } from '../format/snapshot.js';
import type { CheckpointSlot, CheckpointStore } from '../stores/store.js';
import { textOf, warn } from '../warnings.js';
import { readWholeManifests, withFirstWhole, type SlotManifest } from './read-checkpoints.js';
import { isPeriodic, isUnranked } from './slot-policy.js';
import { ofNewestTraining } from './training-identity.js';

/** A training that is stored, and the epoch from which it can be resumed. */
export interface ResumableTraining {
  readonly training: TrainingIdentity;
  /** The latest epoch that is stored and whole. */
  readonly record: EpochRecord;
  /** The epochs up to it, in the order in which they ran. */
  readonly history: readonly EpochRecord[];
  /** The state at its end, which is valid during the call only. */
  readonly state: TrainingState;
  /** The undamaged epochs, by slot; those of other trainings as well. */
  readonly stored: ReadonlyMap<CheckpointSlot, StoredEpoch>;
  /** The stored epochs that can be ranked among the best. */
  readonly rankable: ReadonlySet<EpochRecord>;
  /** The stored epochs that are kept because of their number. */
  readonly periodic: ReadonlySet<EpochRecord>;
}

export interface StoredEpoch {
  /** null for an epoch of another training, or one that isn't part of the history. */
  readonly record: EpochRecord | null;
  /** Identifies the checkpoint. */
  readonly checksum: string;
}

/** What epochs are compared by. */
export interface Comparison {
  readonly monitor: { readonly name: string; readonly mode: 'max' | 'min' };
  /** null: the trained weights are validated, and not an average of them. */
  readonly averageWeights: AveragingSettings | null;
}

/**
 * Finds the latest epoch of the newest training that is stored and whole, and runs `use` on it.
 *
 * @param comparison must be that by which the stored epochs were compared.
 * @returns null if nothing is stored.
 * @throws EntropyCheckpointError `ENTROPY_MONITOR_MISMATCH`; `ENTROPY_CORRUPT_CHECKPOINT` if all of it is damaged;
 *   `ENTROPY_STORE_FAILED`; and what `use` throws.
 */
export async function resumeFrom<T>(
  store: CheckpointStore,
  { monitor, averageWeights }: Comparison,
  use: (training: ResumableTraining) => Promise<T>,
): Promise<T | null> {
  const { manifests, errors } = await readWholeManifests(store);
  const latestFirst = ofNewestTraining(manifests).sort((a, b) => b.numEpochs - a.numEpochs);
  const slots = latestFirst.map(({ slot }) => slot);
  const result = await withFirstWhole(store, slots, async (checkpoint) => {
    const { training, state } = checkpoint;
    requireSameMonitor(checkpoint, monitor, store.name);
    requireSameAveraging(state.averaging, averageWeights);
    const history = await checkpoint.readHistory();
    const record = history.findLast((one) => isSameEpoch(one, checkpoint.record)) ?? checkpoint.record;
    const stored = storedEpochs(manifests, training, history);
    // An epoch that is only in an unranked slot can't be ranked, unless it's a best epoch whose save was cut short before
    // it reached 'best'.
    const rankable = epochsIn(stored, (slot, { isBest }) => isBest || !isUnranked(slot));
    const periodic = epochsIn(stored, isPeriodic);
    const value = await use({ training, record, history, state, stored, rankable, periodic });
    return { record, value };
  });
  if (result === null) {
    if (errors[0] !== undefined) throw errors[0];
    return null;
  }
  for (const error of errors) {
    warn(`${textOf(error)} Training resumes after epoch ${result.record.epoch}.`);
  }
  return result.value;
}

function storedEpochs(
  manifests: readonly SlotManifest[],
  resumed: TrainingIdentity,
  history: readonly EpochRecord[],
): Map<CheckpointSlot, StoredEpoch> {
  return new Map(
    manifests.map(({ slot, training, record, checksum }) => {
      const isOwn = training.id === resumed.id;
      const recorded = isOwn ? history.findLast((one) => isSameEpoch(one, record)) : undefined;
      return [slot, { record: recorded ?? null, checksum }];
    }),
  );
}

/** The epochs of this training whose slot passes `isWanted`. */
function epochsIn(
  stored: ReadonlyMap<CheckpointSlot, StoredEpoch>,
  isWanted: (slot: CheckpointSlot, record: EpochRecord) => boolean,
): Set<EpochRecord> {
  const found = [...stored].flatMap(([slot, { record }]) =>
    record !== null && isWanted(slot, record) ? [record] : [],
  );
  return new Set(found);
}

function requireSameMonitor(
  stored: StoredComparison,
  { name, mode }: Comparison['monitor'],
  storeName: string,
): void {
  if (stored.monitor === name && stored.mode === mode) return;
  throw new EntropyCheckpointError(
    'ENTROPY_MONITOR_MISMATCH',
    `Resume with \`monitor: '${excerpt(stored.monitor)}', mode: '${stored.mode}'\`, by which the epochs in ${storeName} were ` +
      `compared, or train with another \`filepath\`: got '${name}' and '${mode}'.`,
  );
}

type StoredComparison = Pick<SlotManifest, 'monitor' | 'mode'>;

function requireSameAveraging(stored: AveragingSettings | null, wanted: AveragingSettings | null): void {
  if (areSameAveraging(stored, wanted)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_MONITOR_MISMATCH',
    `Resume with \`averageWeights: ${textOfAveraging(stored)}\`, as the stored epochs were trained with, or train with ` +
      `another \`filepath\`: got ${textOfAveraging(wanted)}.`,
  );
}

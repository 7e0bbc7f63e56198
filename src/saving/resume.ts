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
  /** The latest epoch that is stored and whole; it hasn't ended if it has `batches`. */
  readonly record: EpochRecord;
  /** The epochs that have ended, up to it, in the order in which they ran. */
  readonly history: readonly EpochRecord[];
  /** The state at its end or within it, which is valid during the call only. */
  readonly state: TrainingState;
  /** The undamaged epochs, by slot; those of other trainings as well. */
  readonly stored: ReadonlyMap<CheckpointSlot, StoredEpoch>;
  /** The stored epochs that can be ranked among the best. */
  readonly rankable: ReadonlySet<EpochRecord>;
  /** The stored epochs that are kept because of their number. */
  readonly periodic: ReadonlySet<EpochRecord>;
}

export interface StoredEpoch {
  /** null for an epoch of another training, or one that is neither resumed nor part of the history. */
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
  const latestFirst = ofNewestTraining(manifests).sort(
    (a, b) => b.numEpochs - a.numEpochs || (b.record.batches ?? 0) - (a.record.batches ?? 0),
  );
  const slots = latestFirst.map(({ slot }) => slot);
  const result = await withFirstWhole(store, slots, async (checkpoint) => {
    const { training, state } = checkpoint;
    requireSameMonitor(checkpoint, monitor, store.name);
    requireSameAveraging(state.averaging, averageWeights);
    const history = await checkpoint.readHistory();
    const record = findRecord(history, checkpoint.record) ?? checkpoint.record;
    const resumed = { training, record, checksum: checkpoint.checksum };
    const stored = storedEpochs(manifests, resumed, history);
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
    const { epoch, batches } = result.record;
    warn(
      `${textOf(error)} Training resumes ${batches === undefined ? 'after' : `after ${batches} batches of`} epoch ${epoch}.`,
    );
  }
  return result.value;
}

function storedEpochs(
  manifests: readonly SlotManifest[],
  resumed: Pick<ResumableTraining, 'training' | 'record'> & Pick<StoredEpoch, 'checksum'>,
  history: readonly EpochRecord[],
): Map<CheckpointSlot, StoredEpoch> {
  const recordOf = ({ training, record, checksum }: SlotManifest): EpochRecord | null => {
    if (record.batches !== undefined) return checksum === resumed.checksum ? resumed.record : null;
    return training.id === resumed.training.id ? findRecord(history, record) : null;
  };
  return new Map(
    manifests.map((manifest) => [manifest.slot, { record: recordOf(manifest), checksum: manifest.checksum }]),
  );
}

/** The record of an epoch that has ended; null if it hasn't, or isn't in the history. */
function findRecord(history: readonly EpochRecord[], record: EpochRecord): EpochRecord | null {
  if (record.batches !== undefined) return null;
  return history.findLast((one) => isSameEpoch(one, record)) ?? null;
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

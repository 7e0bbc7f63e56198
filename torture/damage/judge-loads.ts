import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import { singleSlotStore } from '../single-slot-store.js';
import type { Tally } from '../tally.js';
import { recordText } from '../training/reference.js';
import { stateDigest } from '../training/state-digest.js';
import { watchWarnings } from '../watch-warnings.js';
import type { DamageRow } from './damage-rows.js';
import type { FileDamage } from './file-damage.js';
import type { StoredTraining } from './stored-training.js';

/** A folder with one damaged file. */
export interface DamagedFolder {
  readonly stored: StoredTraining;
  readonly folder: string;
  readonly file: string;
  readonly damage: FileDamage;
  /** A slot that needs the file. */
  readonly slot: CheckpointSlot;
}

/** Loads the slot with the damaged file separately, and then the best the way users do. */
export async function judgeLoads(
  damaged: DamagedFolder,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  tally.count('tried');
  await judgeSlot(damaged, model, tally);
  await judgeBest(damaged, model, tally);
}

async function judgeSlot(
  damaged: DamagedFolder,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  const { stored, folder, file, damage, slot } = damaged;
  const what = `"${file}", ${damage.name}: slot "${slot}"`;
  const before = await stateDigest(model);
  const error = await loadCheckpoint(singleSlotStore(folder, slot), { model }).catch(
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) {
    tally.addLoss('undetected', what);
    return;
  }
  if ((await stateDigest(model)) !== before)
    tally.addLoss('wrong', `${what}: the error came after the model had changed`);
  const isManifestRemoved = isRemoval(damaged) && stored.filesOfSlot.get(slot)![0] === file;
  if (isManifestRemoved && codeOf(error) === 'ENTROPY_NO_CHECKPOINT') {
    tally.count('gone');
    return;
  }
  tally.count('refused');
  if (!isClear(error, file)) tally.addLoss('unclear', `${what}: ${String(error)}`);
}

async function judgeBest(
  damaged: DamagedFolder,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  const { stored, folder, file, damage } = damaged;
  const { reference, filesOfSlot, epochOfSlot } = stored;
  const what = `"${file}", ${damage.name}: the best`;
  await watchWarnings(async (warnings) => {
    const loaded = await loadCheckpoint(folder, { model }).catch((thrown: unknown) => thrown as Error);
    if (loaded instanceof Error) {
      tally.count('bestRefused');
      if (!isClear(loaded, file)) tally.addLoss('unclear', `${what}: ${String(loaded)}`);
      return;
    }
    const { record } = loaded;
    const expected = reference[record.epoch]!;
    const isSame = recordText(record) === expected.record && (await stateDigest(model)) === expected.digest;
    if (!isSame) tally.addLoss('wrong', `${what}: differs from the state of epoch ${record.epoch}`);
    const isConcerned = filesOfSlot.get('best')!.includes(file);
    const isBestRemoved = isRemoval(damaged) && file === 'model.json';
    tally.count(isConcerned ? 'nextBest' : 'unconcerned');
    if (!isConcerned || isBestRemoved) {
      const isBest = record.epoch === epochOfSlot.get('best') && warnings.length === 0;
      if (!isBest) tally.addLoss('wrong', `${what}: epoch ${record.epoch}, warnings: ${warnings.join(' ')}`);
    } else if (!warnings.some((warning) => warning.includes(file))) {
      tally.addLoss('unclear', `${what}: epoch ${record.epoch}, warnings: ${warnings.join(' ')}`);
    }
  });
}

/** Whether it's an error of this package that names the file. */
export function isClear(error: Error, file: string): boolean {
  return error instanceof EntropyCheckpointError && error.message.includes(file);
}

function isRemoval({ stored, file, damage }: DamagedFolder): boolean {
  return damage.apply(stored.files.get(file)!) === null;
}

function codeOf(error: Error): string | null {
  return error instanceof EntropyCheckpointError ? error.code : null;
}

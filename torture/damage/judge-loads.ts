import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import { oneSlot } from '../one-slot.js';
import type { Tally } from '../tally.js';
import { recordText } from '../training/reference.js';
import { stateDigest } from '../training/state-digest.js';
import { watchWarnings } from '../watch-warnings.js';
import type { DamageRow } from './damage-rows.js';
import type { Damage } from './damages.js';
import type { StoredTraining } from './stored-training.js';

/** A folder of which one file is damaged. */
export interface Damaged {
  readonly stored: StoredTraining;
  readonly folder: string;
  readonly file: string;
  readonly damage: Damage;
  /** One of those that need the file. */
  readonly slot: CheckpointSlot;
}

/** Loads the slot whose file is damaged by itself, and then the best as a user does. */
export async function judgeLoads(
  damaged: Damaged,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  tally.count('tried');
  await judgeSlot(damaged, model, tally);
  await judgeBest(damaged, model, tally);
}

async function judgeSlot(damaged: Damaged, model: tf.LayersModel, tally: Tally<DamageRow>): Promise<void> {
  const { stored, folder, file, damage, slot } = damaged;
  const what = `"${file}", ${damage.name}: slot "${slot}"`;
  const before = await stateDigest(model);
  const error = await loadCheckpoint(oneSlot(folder, slot), { model }).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) {
    tally.lose('undetected', what);
    return;
  }
  if ((await stateDigest(model)) !== before) tally.lose('wrong', `${what}: refused, and the model changed`);
  const isGone = isRemoval(damaged) && stored.filesOfSlot.get(slot)![0] === file;
  if (isGone && codeOf(error) === 'ENTROPY_NO_CHECKPOINT') {
    tally.count('gone');
    return;
  }
  tally.count('refused');
  if (!isClear(error, file)) tally.lose('unclear', `${what}: ${String(error)}`);
}

async function judgeBest(damaged: Damaged, model: tf.LayersModel, tally: Tally<DamageRow>): Promise<void> {
  const { stored, folder, file, damage } = damaged;
  const { reference, filesOfSlot, epochOfSlot } = stored;
  const what = `"${file}", ${damage.name}: the best`;
  await watchWarnings(async (warnings) => {
    const loaded = await loadCheckpoint(folder, { model }).catch((thrown: unknown) => thrown as Error);
    if (loaded instanceof Error) {
      tally.count('bestRefused');
      if (!isClear(loaded, file)) tally.lose('unclear', `${what}: ${String(loaded)}`);
      return;
    }
    const { record } = loaded;
    const expected = reference[record.epoch]!;
    const isSame = recordText(record) === expected.record && (await stateDigest(model)) === expected.digest;
    if (!isSame) tally.lose('wrong', `${what}: not the state of epoch ${record.epoch}`);
    const isConcerned = filesOfSlot.get('best')!.includes(file);
    const isGone = isRemoval(damaged) && file === 'model.json';
    tally.count(isConcerned ? 'nextBest' : 'unconcerned');
    if (!isConcerned || isGone) {
      const isBest = record.epoch === epochOfSlot.get('best') && warnings.length === 0;
      if (!isBest) tally.lose('wrong', `${what}: epoch ${record.epoch}, warnings: ${warnings.join(' ')}`);
    } else if (!warnings.some((warning) => warning.includes(file))) {
      tally.lose('unclear', `${what}: epoch ${record.epoch}, warnings: ${warnings.join(' ')}`);
    }
  });
}

/** Whether it is this package's own, and tells which file it is about. */
export function isClear(error: Error, file: string): boolean {
  return error instanceof EntropyCheckpointError && error.message.includes(file);
}

function isRemoval({ stored, file, damage }: Damaged): boolean {
  return damage.apply(stored.files.get(file)!) === null;
}

function codeOf(error: Error): string | null {
  return error instanceof EntropyCheckpointError ? error.code : null;
}

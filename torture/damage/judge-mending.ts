import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { leftoversIn } from '../stored-files.js';
import type { Tally } from '../tally.js';
import { loadSlots } from '../training/load-slots.js';
import { checkpointOptions, disposeModel, fit, makeModel } from '../training/train.js';
import { watchWarnings } from '../watch-warnings.js';
import type { DamageRow } from './damage-rows.js';
import { isClear, type Damaged } from './judge-loads.js';

/** How a training meets a damaged folder. */
export const BEGINNINGS = ['resumed', 'anew'] as const;
export type Beginning = (typeof BEGINNINGS)[number];

/** Trains in the damaged folder, and expects everything to be whole afterwards. */
export async function judgeMending(
  damaged: Damaged,
  beginning: Beginning,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  const { file, damage } = damaged;
  const what = `"${file}", ${damage.name}, ${beginning}`;
  await watchWarnings(async () => {
    try {
      await trainMovingAway(damaged, beginning, tally);
    } catch (error) {
      tally.lose('notTrained', `${what}: ${String(error)}`);
      return;
    }
    const problem = await problemOf(damaged, beginning, model);
    if (problem === null) tally.count('mended');
    else tally.lose('stillDamaged', `${what}: ${problem}`);
  });
}

/** What was damaged so that it looks like somebody else's is not overwritten before it has been moved away. */
async function trainMovingAway(
  damaged: Damaged,
  beginning: Beginning,
  tally: Tally<DamageRow>,
): Promise<void> {
  try {
    await train(damaged, beginning);
  } catch (error) {
    const isForeign = error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NOT_A_CHECKPOINT';
    if (!isForeign || !isClear(error, damaged.file)) throw error;
    tally.count('movedAway');
    rmSync(join(damaged.folder, damaged.file));
    await train(damaged, beginning);
  }
}

async function train({ stored, folder }: Damaged, beginning: Beginning): Promise<void> {
  const { plan } = stored;
  const model = makeModel(plan);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(folder, plan));
  try {
    const initialEpoch = beginning === 'anew' ? 0 : (await checkpoint.resume(model)).initialEpoch;
    await fit(model, plan, initialEpoch, [checkpoint]);
  } finally {
    checkpoint.dispose();
    disposeModel(model);
  }
}

async function problemOf(
  { stored, folder }: Damaged,
  beginning: Beginning,
  model: tf.LayersModel,
): Promise<string | null> {
  const { reference } = stored;
  const { epochs, problems } = await loadSlots(folder, model, reference);
  const leftovers = leftoversIn(folder);
  if (problems.length + leftovers.length > 0) return [...problems, ...leftovers].join(', ');
  const { best, kept } = reference.at(-1)!;
  if (epochs.get('last') !== reference.length - 1) return 'the last epoch was not stored';
  // Who resumes has lost what was damaged; who begins anew has lost nothing.
  if (beginning === 'anew' && (epochs.get('best') !== best || epochs.size !== kept.length + 2)) {
    return `of the best ${kept.join(', ')} there are ${[...epochs.values()].join(', ')}`;
  }
  if (!epochs.has('best')) return 'there is no best';
  const { record: loaded } = await loadCheckpoint(folder, { model });
  return loaded.epoch === epochs.get('best') ? null : `epoch ${loaded.epoch} came as the best`;
}

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
import { isClear, type DamagedFolder } from './judge-loads.js';

/** How a training starts in a damaged folder. */
export const RESTARTS = ['resumed', 'from scratch'] as const;
export type Restart = (typeof RESTARTS)[number];

/** Trains in the damaged folder, and expects everything to be whole afterwards. */
export async function judgeRepair(
  damaged: DamagedFolder,
  restart: Restart,
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
): Promise<void> {
  const { file, damage } = damaged;
  const what = `"${file}", ${damage.name}, ${restart}`;
  await watchWarnings(async () => {
    try {
      await trainRemovingForeign(damaged, restart, tally);
    } catch (error) {
      tally.addLoss('notTrained', `${what}: ${String(error)}`);
      return;
    }
    const problem = await problemOf(damaged, restart, model);
    if (problem === null) tally.count('repaired');
    else tally.addLoss('stillDamaged', `${what}: ${problem}`);
  });
}

/**
 * Some damage makes a manifest look like somebody else's model. Training refuses to overwrite that, so it is removed
 * first.
 */
async function trainRemovingForeign(
  damaged: DamagedFolder,
  restart: Restart,
  tally: Tally<DamageRow>,
): Promise<void> {
  try {
    await train(damaged, restart);
  } catch (error) {
    const isForeign = error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NOT_A_CHECKPOINT';
    if (!isForeign || !isClear(error, damaged.file)) throw error;
    tally.count('movedAway');
    rmSync(join(damaged.folder, damaged.file));
    await train(damaged, restart);
  }
}

async function train({ stored, folder }: DamagedFolder, restart: Restart): Promise<void> {
  const { plan } = stored;
  const model = makeModel(plan);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(folder, plan));
  try {
    const initialEpoch = restart === 'from scratch' ? 0 : (await checkpoint.resume(model)).initialEpoch;
    await fit(model, plan, initialEpoch, [checkpoint]);
  } finally {
    checkpoint.dispose();
    disposeModel(model);
  }
}

async function problemOf(
  { stored, folder }: DamagedFolder,
  restart: Restart,
  model: tf.LayersModel,
): Promise<string | null> {
  const { reference } = stored;
  const { epochs, problems } = await loadSlots(folder, model, reference);
  const leftovers = leftoversIn(folder);
  if (problems.length + leftovers.length > 0) return [...problems, ...leftovers].join(', ');
  const { best, kept } = reference.at(-1)!;
  if (epochs.get('last') !== reference.length - 1) return 'the last epoch was not stored';
  // A resumed training has lost the damaged epochs, a new one nothing.
  if (restart === 'from scratch' && (epochs.get('best') !== best || epochs.size !== kept.length + 2)) {
    return `expected ${kept.join(', ')} as the best epochs, got ${[...epochs.values()].join(', ')}`;
  }
  if (!epochs.has('best')) return 'slot "best" is empty';
  const { record: loaded } = await loadCheckpoint(folder, { model });
  return loaded.epoch === epochs.get('best')
    ? null
    : `expected epoch ${epochs.get('best')} as the best, got ${loaded.epoch}`;
}

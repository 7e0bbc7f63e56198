import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { isCheckpointSlot, type CheckpointSlot } from '../../src/stores/store.js';
import { storedFiles } from '../stored-files.js';
import type { TrainingPlan } from '../training/plans.js';
import { referenceOf, type ReferenceEpoch } from '../training/reference.js';
import { checkpointOptions, disposeModel, fit, makeModel } from '../training/train.js';

/** How many of the plan's epochs are left for a resumed training. */
const EPOCHS_LEFT = 2;

/** A training that stopped before its last epochs, and the content of its folder. */
export interface StoredTraining {
  readonly plan: TrainingPlan;
  readonly reference: readonly ReferenceEpoch[];
  readonly folder: string;
  readonly files: ReadonlyMap<string, Buffer>;
  /** The files that each slot needs, its manifest first. */
  readonly filesOfSlot: ReadonlyMap<CheckpointSlot, readonly string[]>;
  readonly epochOfSlot: ReadonlyMap<CheckpointSlot, number>;
}

export async function storeTraining(plan: TrainingPlan, folder: string): Promise<StoredTraining> {
  const model = makeModel(plan);
  const checkpoint = new EntropyCheckpointCallback(checkpointOptions(folder, plan));
  const stored = { ...plan, epochs: plan.epochs - EPOCHS_LEFT };
  await fit(model, stored, 0, [checkpoint]);
  disposeModel(model);
  const reference = await referenceOf(plan);
  const { best, kept } = reference[stored.epochs - 1]!;
  const epochOfSlot = new Map<CheckpointSlot, number>([
    ['best', best],
    ['last', stored.epochs - 1],
    ...kept.map((epoch): [CheckpointSlot, number] => [`epoch-${epoch}`, epoch]),
  ]);
  const filesOfSlot = new Map<CheckpointSlot, string[]>();
  for (const [slot, weights] of storedFiles(folder).slots) {
    const manifest = slot === 'best' ? 'model.json' : `model.${slot}.json`;
    if (isCheckpointSlot(slot)) filesOfSlot.set(slot, [manifest, ...weights]);
  }
  const names = readdirSync(folder);
  const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  // Otherwise the damage would not cover what this part is about.
  if (best === stored.epochs - 1 || filesOfSlot.size !== epochOfSlot.size) {
    throw new Error(`Expected the plan "${plan.name}" to fill five slots with four epochs.`);
  }
  return { plan, reference, folder, files, filesOfSlot, epochOfSlot };
}

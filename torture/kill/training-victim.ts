import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { leftoversIn } from '../stored-files.js';
import { KILL_PLANS } from '../training/plans.js';
import { recordText } from '../training/reference.js';
import { checkpointOptions, fit, makeModel, useWasm } from '../training/train.js';
import { selfKillingFileSystem } from './self-killing-file-system.js';
import { waitForOrder, report } from './parent-channel.js';

// Trains until it is killed or training ends. Usage: training-victim.mjs <index of the plan>

export interface TrainingOrder {
  readonly folder: string;
  /** It calls `flush` every this many epochs; 0: never. */
  readonly flushEvery: number;
  /** The rename or removal just before which it kills itself; null: it does not. */
  readonly killAtChange: number | null;
}

/** One line to the parent. Each line has some of these fields. */
export interface TrainingReport {
  readonly ready: true;
  readonly initialEpoch: number;
  /** The history that `resume` restored. */
  readonly history: readonly string[];
  /** When this process locked the folder. */
  readonly lockedAtMs: number;
  /** Leftovers in the folder, while nothing is being written. */
  readonly leftovers: readonly string[];
  readonly epoch: number;
  readonly record: string;
  /** Everything up to this epoch is stored. */
  readonly flushed: number;
  readonly finished: true;
}

const plan = KILL_PLANS[Number(process.argv[2])]!;
await useWasm();
const model = makeModel(plan);
const { folder, flushEvery, killAtChange } = await waitForOrder<TrainingOrder>();
const filepath = killAtChange === null ? folder : new FileStore(folder, selfKillingFileSystem(killAtChange));
const checkpoint = new EntropyCheckpointCallback({ ...checkpointOptions(filepath, plan), verbose: 1 });
const { initialEpoch } = await checkpoint.resume(model);
const lockedAtMs = Date.now();
report({
  initialEpoch,
  history: checkpoint.history.map(recordText),
  // If nothing is stored, `resume` does not lock the folder, and `fit` does.
  ...(initialEpoch > 0 && { lockedAtMs, leftovers: leftoversIn(folder) }),
});

const reporter = new tf.CustomCallback({
  onTrainBegin: () => {
    report({ lockedAtMs: Date.now(), leftovers: leftoversIn(folder) });
  },
  onEpochEnd: async (epoch) => {
    report({ epoch, record: recordText(checkpoint.history.at(-1)!) });
    if (flushEvery === 0 || epoch % flushEvery > 0) return;
    await checkpoint.flush();
    report({ flushed: epoch, leftovers: leftoversIn(folder) });
  },
});
if (initialEpoch < plan.epochs) await fit(model, plan, initialEpoch, [checkpoint, reporter]);
report({ finished: true, leftovers: leftoversIn(folder) });
process.disconnect();

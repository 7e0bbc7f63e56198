import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { leftoversIn } from '../stored-files.js';
import { KILL_PLANS } from '../training/plans.js';
import { recordText } from '../training/reference.js';
import { checkpointOptions, fit, makeModel, useWasm } from '../training/train.js';
import { dyingFileSystem } from './dying-file-system.js';
import { nextOrder, report } from './inside-child.js';

// Trains until it is killed, or has come to its end: training-victim.mjs <number of the plan>

export interface TrainingOrder {
  readonly folder: string;
  /** After how many epochs each it waits until all is stored; 0: never. */
  readonly flushEvery: number;
  /** Before which of its changes to the names in the folder it kills itself. */
  readonly dieAtChange: number | null;
}

/** A line; each has some of these. */
export interface TrainingReport {
  readonly ready: true;
  readonly initialEpoch: number;
  /** What `resume` has found. */
  readonly history: readonly string[];
  /** When the folder was claimed. */
  readonly claimedAtMs: number;
  /** In the folder, at a moment at which nothing is being written. */
  readonly leftovers: readonly string[];
  readonly epoch: number;
  readonly record: string;
  /** All up to this epoch is stored. */
  readonly flushed: number;
  readonly finished: true;
}

const plan = KILL_PLANS[Number(process.argv[2])]!;
await useWasm();
const model = makeModel(plan);
const { folder, flushEvery, dieAtChange } = await nextOrder<TrainingOrder>();
const filepath = dieAtChange === null ? folder : new FileStore(folder, dyingFileSystem(dieAtChange));
const checkpoint = new EntropyCheckpointCallback({ ...checkpointOptions(filepath, plan), verbose: 1 });
const { initialEpoch } = await checkpoint.resume(model);
const claimedAtMs = Date.now();
report({
  initialEpoch,
  history: checkpoint.history.map(recordText),
  // Where nothing is stored, nothing is claimed before `fit`.
  ...(initialEpoch > 0 && { claimedAtMs, leftovers: leftoversIn(folder) }),
});

const reporter = new tf.CustomCallback({
  onTrainBegin: () => {
    report({ claimedAtMs: Date.now(), leftovers: leftoversIn(folder) });
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

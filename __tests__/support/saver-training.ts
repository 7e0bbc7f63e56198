import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../../src/epoch-record.js';
import type { Snapshot, TrainingState } from '../../src/format/snapshot.js';
import { withTensor } from '../../src/format/stored-tensor.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../../src/options.js';
import { EpochSaver } from '../../src/saving/epoch-saver.js';
import { EpochSelector } from '../../src/selection/epoch-selector.js';
import type { CheckpointStore } from '../../src/stores/store.js';

/** A training without a model: each epoch has a given value, and its state is one weight that holds its number. */
export class SaverTraining {
  readonly selector: EpochSelector;
  readonly saver: EpochSaver;
  /** The epochs that were reported as saved, in order. */
  readonly saved: number[] = [];
  /** The epochs whose state was captured, in order. */
  readonly captured: number[] = [];
  /** The state of epoch 0 holds this number, that of epoch 1 the next one. `logs.serial` is the same. */
  firstSerial = 0;
  #value = 0;

  constructor(
    store: CheckpointStore | null,
    options: Omit<EntropyCheckpointOptions, 'filepath'> = {},
    isDeferred = false,
  ) {
    const resolved = resolveOptions({ filepath: 'never used', ...options });
    const monitor = { ...resolved.monitor, valueOf: () => this.#value };
    this.selector = new EpochSelector(monitor, resolved);
    this.saver = new EpochSaver(store, { ...resolved, isDeferred }, ({ epoch }) => {
      this.saved.push(epoch);
    });
  }

  /** Ends the next epoch. Resolves when training may continue. */
  async endEpoch(value: number): Promise<EpochRecord> {
    this.#value = value;
    const epoch = this.selector.history.length;
    const entropies = { entropy: value, trainEntropy: value, valEntropy: null };
    const record = this.selector.add(
      { epoch, fit: 0, ...entropies, logs: { serial: this.firstSerial + epoch } },
      true,
    );
    await this.saver.keep(this.selector, record, () => {
      this.captured.push(epoch);
      return snapshotOf(this.firstSerial + epoch);
    });
    return record;
  }

  /** Resumes what is stored. @returns the record, and the epoch whose state it was; null for nothing. */
  async resume(): Promise<{ record: EpochRecord | null; state: number | null }> {
    let state: number | null = null;
    const record = await this.saver.resume(async (training) => {
      state = await epochOf(training.state);
      this.selector.adopt(training.history, training.rankable, training.periodic);
      return this.selector;
    });
    return { record, state };
  }

  /** The epoch whose state is loaded for a selected one; null if it isn't available. */
  async load(record: EpochRecord, orNextBest = true): Promise<number | null> {
    let epoch: number | null = null;
    await this.saver.withState(record, orNextBest, async (state) => {
      epoch = await epochOf(state);
    });
    return epoch;
  }
}

/** A snapshot that owns one tensor, which holds `epoch`. */
function snapshotOf(epoch: number): Snapshot {
  const weight = { path: [0, 0], name: 'weight', tensor: tf.keep(tf.scalar(epoch)) };
  return {
    state: { weights: [weight], recurrent: [], optimizer: null, averaging: null, monitorState: null },
    topology: {},
    userMetadata: {},
  };
}

/** The epoch that `snapshotOf` has put into a state. */
export async function epochOf(state: TrainingState): Promise<number> {
  return withTensor(state.weights[0]!.tensor, (tensor) => tensor.dataSync()[0]!);
}

import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';
import { FileStore } from '../../../src/stores/file/file-store.js';
import type { SaveContenderName } from '../../saving/names.js';
import { fileHandler } from './file-handler.js';

/** One way to train and save. Each object is used for one `fit`. */
export interface SaveContender {
  readonly callbacks?: tf.CustomCallback[];
  /** How many epochs have been stored. */
  readonly committed?: () => number;
  /** How many tensors TensorFlow.js itself leaks. */
  readonly leakedTensors?: () => number;
  dispose?(): void;
}

/** @param folder where it saves. */
export function saveContenderNamed(
  name: SaveContenderName,
  model: tf.LayersModel,
  folder: string,
): SaveContender {
  switch (name) {
    case 'bare':
    case 'control':
      return {};
    case 'not-stored':
      return withCheckpoint(null, false);
    case 'stored':
      return withCheckpoint(new CountingStore(folder), false);
    case 'stored-last':
      return withCheckpoint(new CountingStore(folder), true);
    case 'model-save':
      return withModelSave(model, folder);
  }
}

/** A folder store that counts what it has committed: an epoch may be replaced while it waits. */
class CountingStore extends FileStore {
  committed = 0;

  override async save(
    ...args: Parameters<FileStore['save']>
  ): Promise<Awaited<ReturnType<FileStore['save']>>> {
    const lost = await super.save(...args);
    this.committed += 1;
    return lost;
  }
}

/** Makes every epoch the best, by a rising value of the compiled metric. */
class RisingMetric extends tf.CustomCallback {
  constructor() {
    // The checkpoint after it yields to the event loop. Bare `fit` yields as often as that.
    super({}, 'never');
  }

  override onEpochEnd(epoch: number, logs: Record<string, number | tf.Scalar> = {}): Promise<void> {
    tf.dispose(logs['acc'] ?? []);
    logs['acc'] = epoch;
    return Promise.resolve();
  }
}

function withCheckpoint(store: CountingStore | null, saveLast: boolean): SaveContender {
  const checkpoint = new EntropyCheckpointCallback({
    filepath: store,
    monitor: 'acc',
    mode: 'max',
    saveLast,
  });
  return {
    callbacks: [new RisingMetric(), checkpoint],
    dispose: () => {
      checkpoint.dispose();
    },
    ...(store === null ? {} : { committed: () => store.committed }),
  };
}

/** The callback that users write without this package. */
function withModelSave(model: tf.LayersModel, folder: string): SaveContender {
  const handler = fileHandler(folder);
  let committed = 0;
  const callback = new tf.CustomCallback({
    onEpochEnd: async () => {
      await model.save(handler, { includeOptimizer: true });
      committed += 1;
    },
  });
  // Each save calls `getWeights` of Adam, which leaks a scalar.
  return { callbacks: [callback], committed: () => committed, leakedTensors: () => committed };
}

import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EntropyCheckpointOptions } from 'tfjs-entropy-checkpoint';
import type { ContenderName } from '../names.js';
import { KeptOutputs } from './kept-outputs.js';
import { predictAgainCallback } from './predict-again.js';

type Loss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

/** One way to train. Each object is used for one `fit`. */
export interface Contender {
  readonly loss?: Loss;
  callbackFor?(model: tf.LayersModel): tf.CustomCallback;
  /** Called after `fit`. Its time counts. */
  finish?(): Promise<void>;
  /** Called after the measurement. */
  dispose?(): void;
}

export interface ContenderInput {
  /** Inputs of training and validation. */
  readonly parts: readonly tf.Tensor[];
  readonly batchSize: number;
  /** Where `'stored'` stores; the caller removes it. */
  readonly folder: string | null;
}

export function contenderNamed(name: ContenderName, { parts, batchSize, folder }: ContenderInput): Contender {
  switch (name) {
    case 'bare':
    case 'control':
      return {};
    case 'callback':
      return withCheckpoint({ filepath: null });
    case 'consensus':
    case 'label_wave':
      return withCheckpoint({ filepath: null, monitor: name });
    case 'averaged':
      return withCheckpoint({ filepath: null, averageWeights: true });
    case 'stored':
      if (folder === null) throw new Error('Expected a folder to store in, got none.');
      return withCheckpoint({ filepath: folder });
    case 'predict-again':
      return { callbackFor: (model) => predictAgainCallback(model, parts, batchSize) };
    case 'keep-outputs': {
      const kept = new KeptOutputs();
      return { loss: kept.loss, callbackFor: () => kept.callback() };
    }
  }
}

function withCheckpoint(options: EntropyCheckpointOptions): Contender {
  const checkpoint = new EntropyCheckpointCallback(options);
  return {
    callbackFor: () => checkpoint,
    finish: () => checkpoint.flush(),
    dispose: () => {
      checkpoint.dispose();
    },
  };
}

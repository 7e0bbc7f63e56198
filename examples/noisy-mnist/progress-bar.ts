import * as tf from '@tensorflow/tfjs';
import { Presets, SingleBar } from 'cli-progress';

/** Shows the progress of `fit` on stderr. Shows nothing if stderr is not a terminal. */
export function progressBar(epochs: number, batchesPerEpoch: number): tf.CustomCallback {
  const format = 'training {bar} {percentage} % | epoch {epoch} of 0–{lastEpoch} | {eta_formatted} left';
  const bar = new SingleBar({ format, clearOnComplete: true, etaBuffer: 100 }, Presets.shades_classic);
  return new tf.CustomCallback({
    onTrainBegin: () => {
      bar.start(epochs * batchesPerEpoch, 0, { epoch: 0, lastEpoch: epochs - 1 });
    },
    onEpochBegin: (epoch) => {
      bar.update({ epoch });
    },
    onBatchEnd: () => {
      bar.increment();
    },
    onTrainEnd: () => {
      bar.stop();
    },
  });
}

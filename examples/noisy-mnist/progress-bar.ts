import * as tf from '@tensorflow/tfjs';
import { Presets, SingleBar, type Params } from 'cli-progress';

const BAR_WIDTH = 24;
/** How often a log gets a line. A terminal has one line that changes. */
const LOG_INTERVAL_MS = 5000;

/** Shows the progress of `fit` and the time left, on stderr. */
export function progressBar(epochs: number, batchesPerEpoch: number): tf.CustomCallback {
  const format = (_: unknown, params: Params): string => progressText(params, batchesPerEpoch);
  const bar = new SingleBar(
    {
      format,
      clearOnComplete: true,
      etaBuffer: 100,
      noTTYOutput: true,
      notTTYSchedule: LOG_INTERVAL_MS,
    },
    Presets.shades_classic,
  );
  return new tf.CustomCallback({
    onTrainBegin: () => {
      bar.start(epochs * batchesPerEpoch, 0);
    },
    onBatchEnd: () => {
      bar.increment();
    },
    onTrainEnd: () => {
      bar.stop();
    },
  });
}

/** One line of at most 80 characters. */
export function progressText(
  { value, total, eta }: Pick<Params, 'value' | 'total' | 'eta'>,
  batchesPerEpoch: number,
): string {
  const share = value / total;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const ended = Math.floor(value / batchesPerEpoch);
  const epochs = `${ended} of ${total / batchesPerEpoch} epochs`;
  return `Training ${bar} ${Math.floor(100 * share)} % | ${epochs}${timeLeft(eta)}`;
}

/** @param eta in seconds; anything else as long as it's unknown. */
function timeLeft(eta: unknown): string {
  if (typeof eta !== 'number' || !Number.isFinite(eta)) return '';
  const minutes = Math.floor(eta / 60);
  return ` | ${minutes > 0 ? `${minutes} min ` : ''}${Math.round(eta % 60)} s left`;
}

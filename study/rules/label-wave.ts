import type { SignalName } from '../signals.js';
import type { Needs, Rule } from './rule.js';
import { firstMinimum, movingAverage } from './series.js';

/** What the changes are counted of. */
const SOURCES = {
  // As the authors' program counts them: each row when it was last trained on.
  training: { signal: 'running-changes', needs: 'tap and row identity' },
  'training, predicted again': { signal: 'train-changes', needs: 'further passes' },
  validation: { signal: 'val-changes', needs: 'tap' },
} as const satisfies Record<string, { signal: SignalName; needs: Needs }>;

/**
 * The first minimum of the moving average of the number of rows whose prediction is not that of the epoch
 * before.
 *
 * @see Yuan, Feng, Liu, Early Stopping Against Label Noise Without Validation Data, ICLR 2024 (arXiv 2502.07551)
 */
export function labelWave(of: keyof typeof SOURCES, window: number): Rule {
  const { signal, needs } = SOURCES[of];
  return {
    name: `Label Wave, ${of}, mean of ${window}`,
    needs,
    choose: (signals) => firstMinimum(movingAverage(signals[signal], window)),
  };
}

import type { SignalName } from '../signals.js';
import type { Needs, Rule } from './rule.js';
import { firstMinimum, movingAverage } from './series.js';

/** The predictions whose changes are counted. */
const SOURCES = {
  // As in the authors' code: the prediction of each row when it was last trained on.
  training: { signal: 'running-changes', needs: 'predictions and row identity' },
  'training at epoch end': { signal: 'train-changes', needs: 'extra passes' },
  validation: { signal: 'val-changes', needs: 'predictions' },
} as const satisfies Record<string, { signal: SignalName; needs: Needs }>;

/**
 * Counts the rows whose prediction has changed since the previous epoch, and selects the first minimum of the moving
 * average.
 *
 * @see Yuan, Feng, Liu, Early Stopping Against Label Noise Without Validation Data, ICLR 2024 (arXiv 2502.07551)
 */
export function labelWave(source: keyof typeof SOURCES, window: number): Rule {
  const { signal, needs } = SOURCES[source];
  return {
    name: `Label Wave, ${source}, mean of ${window}`,
    needs,
    select: (signals) => firstMinimum(movingAverage(signals[signal], window)),
  };
}

import { WINDOW_EPOCHS, type ComparedValues, type ComparingMonitor } from './comparing-monitor.js';

/**
 * The first minimum of a moving average: the share of validation rows whose predicted class has changed
 * since the epoch before.
 *
 * The authors count training rows. `fit` shuffles those, and callbacks can't know the order.
 *
 * @see Yuan, Feng, Liu, Early Stopping Against Label Noise Without Validation Data, ICLR 2024 (arXiv 2502.07551)
 */
export const labelWave: ComparingMonitor = {
  mode: 'min',
  termSize: 0,
  patience: 1,
  comparesWith: 'previous',
  phases: ['val'],
  valueOf: (epochs: readonly ComparedValues[]): number | null => {
    if (epochs.at(-1)?.valChanges == null) return null;
    const changes = epochs.slice(-WINDOW_EPOCHS).flatMap(({ valChanges }) => valChanges ?? []);
    return changes.reduce((sum, value) => sum + value, 0) / changes.length;
  },
};

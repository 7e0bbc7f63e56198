import type { Criterion, EpochFacts } from './criterion.js';

/** In epochs. */
const WINDOW = 3;

/**
 * The first minimum of the moving average of the share of validation rows whose prediction has changed since the
 * epoch before.
 *
 * The authors count the rows of training, which `fit` shuffles without a callback being told how.
 *
 * @see Yuan, Feng, Liu, Early Stopping Against Label Noise Without Validation Data, ICLR 2024 (arXiv 2502.07551)
 */
export const labelWave: Criterion = {
  mode: 'min',
  patience: 1,
  comparesWith: 'previous',
  needsInformation: false,
  phases: ['val'],
  valueOf: (epochs: readonly EpochFacts[]): number | null => {
    if (epochs.at(-1)?.valChanges == null) return null;
    const changes = epochs.slice(-WINDOW).flatMap(({ valChanges }) => valChanges ?? []);
    return changes.reduce((sum, value) => sum + value, 0) / changes.length;
  },
};

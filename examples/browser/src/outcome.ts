import { element, setText } from './page.js';
import { cleanAccuracy, plainAccuracy, type ShownEpoch } from './shown-epoch.js';
import { epochNumber, percent, points } from './text.js';

/** A difference below half a tenth of a point is shown as none. */
const LEAST_SHOWN = 0.0005;

/** How far a training is. */
export type Stage = 'running' | 'over';

/** What the kept epoch has gained over the last one, which a training without a checkpoint leaves. */
export function outcomeText(last: ShownEpoch, best: ShownEpoch | null, stage: Stage): string {
  if (best === null) return stage === 'over' ? 'No epoch is kept' : 'No epoch is kept yet';
  const gain = cleanAccuracy(best) - plainAccuracy(last);
  if (stage === 'running')
    return best.epoch === last.epoch && Math.abs(gain) < LEAST_SHOWN
      ? 'The latest is the one to keep'
      : `${points(gain)} over the latest`;
  if (Math.abs(gain) < LEAST_SHOWN) return 'As good as the last epoch';
  return `${points(gain)} over the last epoch`;
}

/** Shows the kept and the last epoch, and what the kept one has gained. */
export function showOutcome(
  last: ShownEpoch | null,
  best: ShownEpoch | null,
  { stage, isAveraged }: { stage: Stage; isAveraged: boolean },
): void {
  setText('outcome', last === null ? 'The first epoch is training …' : outcomeText(last, best, stage));
  showTile('kept', best, best === null ? NaN : cleanAccuracy(best));
  showTile('last', last, last === null ? NaN : plainAccuracy(last));
  element('average-tile', HTMLElement).hidden = !isAveraged;
  setText('average-gain', best === null ? '–' : points(cleanAccuracy(best) - plainAccuracy(best)));
  setText(
    'average-text',
    best === null
      ? 'no epoch yet'
      : `${percent(plainAccuracy(best))} without it at epoch ${epochNumber(best)}`,
  );
}

function showTile(name: 'kept' | 'last', epoch: ShownEpoch | null, accuracy: number): void {
  setText(`${name}-epoch`, epoch === null ? '–' : `Epoch ${epochNumber(epoch)}`);
  setText(
    `${name}-accuracy`,
    Number.isNaN(accuracy) ? 'no epoch yet' : `${percent(accuracy)} of clean test digits right`,
  );
}

import type { EpochRecord } from '../epoch-record.js';
import { isEntropyMonitor, type Monitor } from '../selection/monitor.js';
import { loggedValue } from './columns.js';
import type { Outcome } from './explain.js';
import { monitorInWords } from './readable-names.js';

/** The names under which an accuracy on validation labels is logged. */
const ACCURACIES = ['val_acc', 'val_accuracy'];

/** The result of a training in one line: which epoch was kept, and what that gained over the last one. */
export function headline({ selector: { best, history }, monitor }: Outcome): string {
  const last = history.at(-1);
  if (last === undefined) return 'No epoch has ended yet';
  if (best === null) return 'No epoch was kept';
  const averaged = best.isAveraged === true ? ' (averaged weights)' : '';
  if (best === last) {
    const which = history.length === 1 ? 'the only one' : 'the last one';
    return `Epoch ${best.epoch}, ${which}, was kept${averaged}: ${resultOf(best, monitor)}`;
  }
  return `Epoch ${best.epoch} was kept${averaged}: ${gainOver(last, best, monitor)}`;
}

/** The accuracy on validation labels, 0…1; null if the epoch has none. */
export function validationAccuracy(record: EpochRecord): number | null {
  const values = ACCURACIES.map((name) => loggedValue(record, name));
  return values.find((value) => value !== undefined && isShare(value)) ?? null;
}

/** Whether a value can be an accuracy. */
export function isShare(value: number | null | undefined): value is number {
  return value != null && value >= 0 && value <= 1;
}

/** A difference of accuracies: `+14.0 points`. */
export function points(difference: number): string {
  const size = Math.abs(100 * difference).toFixed(1);
  const sign = size === '0.0' ? '±' : difference < 0 ? '−' : '+';
  return `${sign}${size} points`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function gainOver(last: EpochRecord, best: EpochRecord, monitor: Monitor): string {
  const [accuracy, lastAccuracy] = [validationAccuracy(best), validationAccuracy(last)];
  if (accuracy !== null && lastAccuracy !== null) {
    const gain = points(accuracy - lastAccuracy);
    if (gain.startsWith('±')) return 'the same validation accuracy as the last epoch';
    const compared = accuracy < lastAccuracy ? 'compared with' : 'over';
    return `${gain} of validation accuracy ${compared} the last epoch`;
  }
  const { value } = best;
  if (value === null || last.value === null || !Number.isFinite(last.value)) return resultOf(best, monitor);
  const difference = short(Math.abs(value - last.value));
  const direction = value < last.value ? 'below' : 'above';
  const compared = difference === '0' ? 'equal to' : `${difference} ${direction}`;
  return `its ${valueInWords(best, monitor)} is ${compared} that of the last epoch`;
}

function resultOf(best: EpochRecord, monitor: Monitor): string {
  const accuracy = validationAccuracy(best);
  if (accuracy !== null) return `${percent(accuracy)} validation accuracy`;
  const extreme = monitor.mode === 'max' ? 'highest' : 'lowest';
  return `its ${valueInWords(best, monitor)} is the ${extreme}`;
}

function valueInWords({ value }: EpochRecord, monitor: Monitor): string {
  return `${monitorInWords(monitor)} of ${short(value ?? NaN)}${isEntropyMonitor(monitor) ? ' nats' : ''}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

import type { EpochRecord } from '../epoch-record.js';
import { MESSAGE_PREFIX, printable } from '../errors.js';
import type { Monitor } from '../selection/monitor.js';
import type { WarnOnce } from '../warnings.js';
import { endOfTrainingWarning, reason, type Outcome } from './explain.js';

/** The options that matter here. */
export interface ProgressOptions {
  readonly monitor: Monitor;
  /** 0 prints nothing, 1 each save and the end, 2 each epoch as well. */
  readonly verbose: 0 | 1 | 2;
}

/** The last epochs of the trainings whose end was printed. */
const ended = new WeakSet<EpochRecord>();

/** Prints that an epoch was stored. @param store null: in memory. */
export function printSaved(
  record: EpochRecord,
  { monitor, verbose }: ProgressOptions,
  store: { readonly name: string } | null,
): void {
  if (verbose === 0) return;
  if (record.batches !== undefined) {
    print(`${record.batches} batches of epoch ${record.epoch}, saved to ${store?.name ?? 'memory'}`);
    return;
  }
  const isBest = record.isBest ? ' is the best so far' : '';
  print(`${valueOf(record, monitor)}${isBest}, saved to ${store?.name ?? 'memory'}`);
}

/** Prints that an epoch has ended. @param before the best epoch before it. */
export function printEpoch(
  record: EpochRecord,
  { monitor, verbose }: ProgressOptions,
  before: EpochRecord | null,
): void {
  if (verbose === 2) print(`${valueOf(record, monitor)}, ${comparedWith(before, record, monitor)}`);
}

/**
 * Prints that a training has ended: which epoch is kept, why and where. It's printed once, until another epoch ends.
 *
 * @param location where it's stored; null: in memory only.
 */
export function printKept(
  outcome: Outcome,
  location: { readonly name: string; readonly source?: string | undefined } | null,
): void {
  const { best, history } = outcome.selector;
  const last = history.at(-1);
  if (outcome.options.verbose === 0 || last === undefined || ended.has(last)) return;
  ended.add(last);
  if (best === null) {
    print('No epoch was kept.');
    return;
  }
  const where = location === null ? 'in memory only' : `stored in ${location.source ?? location.name}`;
  print(
    [reason(outcome, best), ...comparedWithLast(outcome.monitor, best, last), `It is ${where}.`].join(' '),
  );
}

/** Warns of what casts doubt on the selection when training has ended: once for each kind of doubt. */
export function warnOfSelection({ selector, monitor, options }: Outcome, warnings: WarnOnce): void {
  const { startFromEpoch } = options;
  const about = selector.best === null ? 'no best epoch' : 'the first epoch';
  warnings.warn(endOfTrainingWarning(selector, { monitor, startFromEpoch }), about);
}

function print(message: string): void {
  // eslint-disable-next-line no-console -- what `verbose` asks for
  console.log(`${MESSAGE_PREFIX}${printable(message)}`);
}

function comparedWith(before: EpochRecord | null, { value, isBest }: EpochRecord, { mode }: Monitor): string {
  if (before === null || value === null || Number.isNaN(value)) {
    return isBest ? 'the best so far' : 'not selected';
  }
  const best = before.value ?? NaN;
  const gain = mode === 'max' ? value - best : best - value;
  const compared = gain === 0 ? 'equal to' : `${size(gain)} ${gain > 0 ? 'better' : 'worse'} than`;
  if (isBest) return `the best so far: ${compared} epoch ${before.epoch}`;
  return `${compared} the best, epoch ${before.epoch}${gain > 0 ? ', which stays the best' : ''}`;
}

/** By how much the validation accuracy of the kept epoch differs from that of the last one. */
function comparedWithLast({ name }: Monitor, best: EpochRecord, last: EpochRecord): string[] {
  const { val_acc: accuracy = NaN } = best.logs;
  const points = 100 * (accuracy - (last.logs['val_acc'] ?? NaN));
  if (last === best || Number.isNaN(points)) return [];
  const subject = name === 'val_acc' ? 'That' : `Its val_acc of ${size(accuracy)}`;
  const gain = `${Math.abs(points).toFixed(1)} points ${points < 0 ? 'below' : 'above'}`;
  return [`${subject} is ${gain} the last epoch.`];
}

function valueOf({ epoch, value }: EpochRecord, { name }: Monitor): string {
  return `epoch ${epoch}: ${name} ${value?.toPrecision(5) ?? 'none'}`;
}

function size(value: number): string {
  return String(Number(Math.abs(value).toPrecision(3)));
}

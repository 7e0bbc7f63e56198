import { ENOUGH_INFORMATION } from './criteria/consensus.js';
import type { EpochKeeper } from './epoch-keeper.js';
import type { EpochRecord } from './epoch-record.js';
import { criterionOf, type CriterionName } from './criteria/criterion.js';
import { isEntropyMonitor } from './monitor.js';

/** What training has come to. */
export type Outcome = Pick<EpochKeeper, 'best' | 'history' | 'monitor' | 'options'> & {
  /** The fewest classes of any output; null where it is not known. */
  readonly numClasses: number | null;
};

/** With so few, an untrained network is near the maximum of the entropy. */
const FEW_CLASSES = 4;

/**
 * Why the epoch was kept, and what speaks against it, in a few sentences from the training's own numbers. Epochs
 * are counted from 0.
 */
export function explain(outcome: Outcome): string {
  const { best, history } = outcome;
  if (history.length === 0) return 'No epoch has ended yet.';
  if (best === null) return nothingChosen(history.length);
  const doubts = DOUBTS.flatMap((doubt) => doubt(outcome, best) ?? []);
  return [reason(outcome, best), ...doubts.slice(0, 2)].join(' ');
}

export function nothingChosen(epochs: number): string {
  return (
    `None of the ${epochs} epochs was kept: each was cut short, before \`startFromEpoch\`, not above ` +
    '`initialThreshold`, or its value was not a finite number. See `history`.'
  );
}

/** Whether the kept epoch is the first of several that could be chosen by their entropy. */
export function isFirstByEntropy({ monitor, options }: Pick<Outcome, 'monitor' | 'options'>): boolean {
  return monitor.firstIsBest && monitor.eligibleEpochs > 1 && isByEntropy(options);
}

function reason(outcome: Outcome, best: EpochRecord): string {
  const { options, history } = outcome;
  const kept = `Epoch ${best.epoch} was kept: `;
  if (options.criterion !== 'max-entropy') return kept + REASONS[options.criterion](best, outcome);
  const what = isEntropyMonitor(options.monitor)
    ? `its ${ENTROPY_NAMES[options.monitor] ?? options.monitor} of ${number(best.value)} nats`
    : `its ${options.monitor} of ${number(best.value)}`;
  const last = history.at(-1)!;
  const end = last === best ? '' : `; the last epoch, ${last.epoch}, had ${number(last.value)}`;
  const extreme = options.mode === 'max' ? 'highest' : 'lowest';
  return `${kept}${what} was the ${extreme} of ${history.length} epochs${end}.`;
}

const ENTROPY_NAMES: Record<string, string> = {
  entropy: 'entropy over training and validation',
  train_entropy: 'entropy over training',
  val_entropy: 'entropy over validation',
};

type Reason = (best: EpochRecord, outcome: Outcome) => string;

const REASONS: Record<Exclude<CriterionName, 'max-entropy'>, Reason> = {
  consensus: (best, outcome) =>
    `it predicted the class of ${percent(1 - (best.valChanges ?? NaN))} of the validation rows as the epochs before ` +
    'it had on average, the best balance with how much surer it was of its training than of other data' +
    `${decided(outcome)}.`,
  'label-wave': (best, outcome) =>
    `fewest predictions of validation were changing, ${percent(best.value ?? NaN)} from one epoch to the next` +
    `${decided(outcome)}.`,
};

function decided({ monitor, options }: Outcome): string {
  const patience = criterionOf(options.criterion)?.patience ?? 0;
  if (!monitor.hasDecided) return '';
  return patience === 1
    ? ', before more did again'
    : `, and none of the ${patience} epochs after it was better`;
}

type Doubt = (outcome: Outcome, best: EpochRecord) => string | null;

/** The gravest first. */
const DOUBTS: readonly Doubt[] = [
  (outcome) =>
    isFirstByEntropy(outcome)
      ? 'It is the first that could be chosen, and probably too early: an untrained network is near the maximum with ' +
        'two to four classes, and large steps can carry one of more past the peak within an epoch. Try ' +
        "`startFromEpoch`, or `criterion: 'consensus'`."
      : null,
  ({ monitor, history }, best) =>
    monitor.hasDecided || history.at(-1) !== best || history.length === 1
      ? null
      : 'It is the last one, so that a better one may be yet to come: train for more epochs.',
  ({ monitor, options, history }, best) =>
    options.criterion === 'max-entropy' || monitor.hasDecided || history.at(-1) === best
      ? null
      : 'Training ended before the choice was sure: more epochs would tell.',
  ({ options }, { valInformation }) =>
    options.criterion === 'consensus' && valInformation != null && valInformation < ENOUGH_INFORMATION
      ? 'The network had not begun to tell the classes apart.'
      : null,
  ({ numClasses, options }) =>
    isByEntropy(options) && numClasses !== null && numClasses <= FEW_CLASSES
      ? `With ${numClasses} classes the entropy tells little, as an untrained network is near its maximum; ` +
        "`criterion: 'consensus'` does not depend on that."
      : null,
  ({ options, history }) =>
    isByEntropy(options) && history.every(({ valEntropy }) => valEntropy === null)
      ? 'Without validation data the rows of training alone were scored.'
      : null,
];

function isByEntropy({ criterion, monitor }: Outcome['options']): boolean {
  return criterion === 'max-entropy' && isEntropyMonitor(monitor);
}

function number(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

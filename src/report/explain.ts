import type { EpochRecord } from '../epoch-record.js';
import type { EpochSelector } from '../selection/epoch-selector.js';
import { FUNCTION_NAME, isEntropyMonitor, type Monitor } from '../selection/monitor.js';
import { ENOUGH_INFORMATION } from '../selection/monitors/consensus.js';

/** How a training has gone so far. */
export interface Outcome {
  readonly selector: Pick<
    EpochSelector,
    'best' | 'history' | 'kept' | 'last' | 'isDecided' | 'firstOfSeveralIsBest'
  >;
  readonly monitor: Monitor;
  readonly options: ReportedOptions;
  /** null before the first epoch of this instance. */
  readonly score: ClassCounts | null;
}

/** How many classes the outputs have; null if unknown. */
export interface ClassCounts {
  /** Of the output with the fewest. */
  readonly numClasses: number | null;
  /** Of the output with the most. */
  readonly mostClasses: number | null;
}

/** The options that matter to a reader. */
export interface ReportedOptions {
  readonly startFromEpoch: number;
  readonly topK: number;
  readonly saveLast: boolean;
  /** 0 prints nothing, 1 each save and the end, 2 each epoch as well. */
  readonly verbose: 0 | 1 | 2;
  /** Where checkpoints are stored; null: in memory. */
  readonly filepath: string | object | null;
}

/** With so few classes, an untrained network is near the maximum of the entropy. */
const FEW_CLASSES = 4;

/**
 * Why the epoch was selected, and what casts doubt on it, in a few sentences from the training's own numbers. Epochs
 * are counted from 0.
 */
export function explain(outcome: Outcome): string {
  const { best, history } = outcome.selector;
  if (history.length === 0) return 'No epoch has ended yet.';
  if (best === null) return nothingSelected(history.length);
  const doubts = DOUBTS.flatMap((doubt) => doubt(outcome, best) ?? []);
  return [reason(outcome, best), ...averaged(best), ...doubts.slice(0, 2)].join(' ');
}

function averaged({ isAveraged, valEntropy, logs }: EpochRecord): string[] {
  if (isAveraged !== true) return [];
  const isValidated = valEntropy !== null || Object.keys(logs).some((name) => name.startsWith('val_'));
  return [
    isValidated
      ? 'It is the average of the weights that was validated, and that is kept.'
      : 'It is the average of the weights that is kept; without validation, nobody has tested that.',
  ];
}

/** What a user should know about the selection when training has ended; null: nothing. */
export function endOfTrainingWarning(
  selector: Outcome['selector'],
  { monitor, startFromEpoch }: { readonly monitor: Monitor; readonly startFromEpoch: number },
): string | null {
  const { best, history } = selector;
  if (best === null) {
    return history.length === 0 || isBeforeStart(history, startFromEpoch)
      ? null
      : nothingSelected(history.length);
  }
  if (!isFirstByEntropy({ selector, monitor })) return null;
  return (
    `The kept epoch, ${best.epoch}, is the first that could be selected, and probably too early. The entropy of the two ` +
    'largest probabilities does not only fall as a network memorises: an untrained network is near the maximum with two ' +
    'to four classes, and large steps can carry one with more classes past its peak within an epoch. Compare ' +
    `\`history\`, and try a later \`startFromEpoch\` than ${startFromEpoch}, smaller steps, or ${recommended(best)}.`
  );
}

/** Whether the last `fit` call ran one epoch, and others will follow before an epoch can be selected. */
function isBeforeStart(history: readonly EpochRecord[], startFromEpoch: number): boolean {
  const last = history.at(-1)!;
  return history.at(-2)?.fit !== last.fit && last.epoch + 1 <= startFromEpoch;
}

function nothingSelected(epochs: number): string {
  return (
    `None of the ${epochs} epochs was selected: each was cut short, before \`startFromEpoch\`, not above ` +
    '`initialThreshold`, or its value was not a finite number. See `history`.'
  );
}

function isFirstByEntropy({ selector, monitor }: Pick<Outcome, 'selector' | 'monitor'>): boolean {
  return selector.firstOfSeveralIsBest && isEntropyMonitor(monitor);
}

type Reason = (best: EpochRecord, outcome: Outcome) => string;

const REASONS: Readonly<Record<string, Reason>> = {
  consensus: (best, outcome) =>
    `it agreed with the average of the epochs before it on the class of ${percent(1 - (best.valChanges ?? NaN))} of ` +
    'the validation rows. That was the best balance with how much more certain it was of training rows than of ' +
    `validation rows${decided(outcome)}.`,
  label_wave: (best, outcome) =>
    `the fewest validation predictions changed, ${percent(best.value ?? NaN)} from one epoch to the next` +
    `${decided(outcome)}.`,
};

const MONITOR_NAMES: Readonly<Record<string, string>> = {
  entropy: 'entropy over training and validation',
  train_entropy: 'training entropy',
  val_entropy: 'validation entropy',
  val_acc_and_loss: 'validation accuracy minus a tenth of the scaled loss, a value',
  [FUNCTION_NAME]: 'monitored value',
};

/** Why the epoch was selected, in a sentence. */
export function reason(outcome: Outcome, best: EpochRecord): string {
  const { monitor, selector } = outcome;
  const { history } = selector;
  const selected = `Epoch ${best.epoch}${ofCalls(history)} was kept: `;
  const reasonOf = REASONS[monitor.name];
  if (monitor.comparing !== null && reasonOf !== undefined) return selected + reasonOf(best, outcome);
  const what = `its ${MONITOR_NAMES[monitor.name] ?? monitor.name} of ${number(best.value)}`;
  const unit = isEntropyMonitor(monitor) ? ' nats' : '';
  const last = history.at(-1)!;
  const end = last === best ? '' : `; the last epoch, ${last.epoch}, had ${number(last.value)}`;
  const extreme = monitor.mode === 'max' ? 'highest' : 'lowest';
  return `${selected}${what}${unit} was the ${extreme} of ${history.length} epochs${end}${decided(outcome)}.`;
}

/** Says how epochs are counted if TensorFlow.js may have counted them from 0 again. */
function ofCalls(history: readonly EpochRecord[]): string {
  const calls = history.at(-1)!.fit - history[0]!.fit + 1;
  return calls === 1 ? '' : `, counted over all ${calls} calls of \`fit\`,`;
}

function decided({ selector, monitor: { patience } }: Outcome): string {
  if (!selector.isDecided) return '';
  return patience === 1
    ? ', and the epoch after it was not better'
    : `, and none of the ${patience} epochs after it was better`;
}

type Doubt = (outcome: Outcome, best: EpochRecord) => string | null;

/** Most serious first. */
const DOUBTS: readonly Doubt[] = [
  (outcome, best) =>
    isFirstByEntropy(outcome)
      ? 'It is the first that could be selected, and probably too early: an untrained network is near the maximum with ' +
        'two to four classes, and large steps can carry one with more classes past its peak within an epoch. Try ' +
        `\`startFromEpoch\`, or ${recommended(best)}.`
      : null,
  ({ selector: { isDecided, history } }, best) =>
    isDecided || history.at(-1) !== best || history.length === 1
      ? null
      : 'It is the last epoch, so a better one may follow: train for more epochs.',
  ({ selector: { isDecided, history }, monitor: { patience } }, best) =>
    patience === Infinity || isDecided || history.at(-1) === best
      ? null
      : 'Training ended before the choice was made: train for more epochs.',
  ({ monitor }, { valInformation }) =>
    monitor.comparing !== null && valInformation != null && valInformation < ENOUGH_INFORMATION
      ? 'The network had hardly begun to distinguish the classes.'
      : null,
  ({ score, monitor }, best) => {
    const numClasses = score?.numClasses ?? Infinity;
    return isEntropyMonitor(monitor) && numClasses <= FEW_CLASSES
      ? `With ${numClasses} classes the entropy says little, as an untrained network is near its maximum; ` +
          `${recommended(best)} does not depend on that.`
      : null;
  },
  ({ monitor, selector: { history } }) =>
    isEntropyMonitor(monitor) && history.every(({ valEntropy }) => valEntropy === null)
      ? 'Without validation data, only training rows were scored.'
      : null,
];

/** The options that did best in the study, for trainings that log an accuracy on validation labels and for others. */
function recommended({ logs, isAveraged }: EpochRecord): string {
  const monitor = logs['val_acc'] === undefined ? 'consensus' : 'val_acc';
  return isAveraged === true
    ? `\`monitor: '${monitor}'\``
    : `\`{ monitor: '${monitor}', averageWeights: true }\``;
}

function number(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

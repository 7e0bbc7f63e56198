import { FUNCTION_NAME, type Monitor } from '../selection/monitor.js';

/** What the prefixes of logged names mean. */
const PHASES: Readonly<Record<string, string>> = { val: 'validation', test: 'test' };

/** What TensorFlow.js abbreviates. */
const WORDS: Readonly<Record<string, string>> = {
  acc: 'accuracy',
  auc: 'AUC',
  lr: 'learning rate',
  mae: 'mean absolute error',
  mape: 'mean absolute percentage error',
  mse: 'mean squared error',
};

/** Names of this package. */
const COMPUTED: Readonly<Record<string, string>> = {
  entropy: 'entropy',
  train_entropy: 'training entropy',
  val_entropy: 'validation entropy',
  val_changes: 'changed predictions',
  val_information: 'information',
  consensus: 'consensus value',
  label_wave: 'share of changed predictions',
  val_acc_and_loss: 'validation accuracy minus a tenth of the scaled loss',
  [FUNCTION_NAME]: 'monitored value',
};

/** A logged name in two parts: `['val', 'acc']` of `val_acc`, `['', 'acc']` of `acc`. */
export function splitName(name: string): readonly [phase: string, stem: string] {
  const [, phase, stem] = /^(val|test)_(.+)$/s.exec(name) ?? [];
  return phase === undefined || stem === undefined ? ['', name] : [phase, stem];
}

/** What a person calls the values of a phase: `'val'`, `'test'`, or `''` for training. */
export function phaseName(phase: string): string {
  return PHASES[phase] ?? 'training';
}

/** A logged name without its phase, in words: `digit accuracy` of `digit_acc`. */
export function stemInWords(stem: string): string {
  const words = stem
    .replace(/([a-z])([A-Z])(?=[a-z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`)
    .split(/[_ ]+/);
  return words.map((word) => (Object.hasOwn(WORDS, word) ? WORDS[word]! : word)).join(' ') || stem;
}

/** A logged name in words: `validation accuracy` of `val_acc`. */
export function inWords(name: string): string {
  const [phase, stem] = splitName(name);
  const words = stemInWords(stem);
  if (phase !== '') return `${phaseName(phase)} ${words}`;
  return isTrainingName(stem) ? `training ${words}` : words;
}

/** Whether `fit` logs training values under this name. Others may be of anything that a user logs. */
export function isTrainingName(name: string): boolean {
  return /^(loss|acc|accuracy)$/.test(name);
}

/** The monitored value in words. */
export function monitorInWords({
  name,
  phases,
  logged,
}: Pick<Monitor, 'name' | 'phases' | 'logged'>): string {
  const isComputed = phases.length > 0 || logged.length !== 1;
  return isComputed && Object.hasOwn(COMPUTED, name) ? COMPUTED[name]! : inWords(name);
}

/** A text as a title. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

import { MESSAGE_PREFIX } from './errors.js';
import { isFirstByEntropy, nothingChosen, type Outcome } from './explain.js';

/** Tells the user, in the way in which tfjs does. */
export function warn(message: string): void {
  // eslint-disable-next-line no-console -- see above
  console.warn(`${MESSAGE_PREFIX}${message}`);
}

/** What an error says, to be said within a warning or another error. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith(MESSAGE_PREFIX) ? text.slice(MESSAGE_PREFIX.length) : text;
}

/** What a user should hear about the choice when training has ended; null: nothing. */
export function endOfTrainingWarning(outcome: Omit<Outcome, 'numClasses'>): string | null {
  const { best, history, options } = outcome;
  if (best === null) return history.length === 0 ? null : nothingChosen(history.length);
  return isFirstByEntropy(outcome) ? firstChosen(best.epoch, options.startFromEpoch) : null;
}

function firstChosen(epoch: number, startFromEpoch: number): string {
  return (
    `The kept epoch, ${epoch}, is the first that could be chosen, and probably too early. The entropy of the two ` +
    'largest probabilities does not only fall as a network memorises: an untrained one is near the maximum with ' +
    'two to four classes, and large steps can carry one of more classes past the peak within an epoch. Compare ' +
    `\`history\`, and try a later \`startFromEpoch\` than ${startFromEpoch}, smaller steps, or \`criterion: 'consensus'\`.`
  );
}

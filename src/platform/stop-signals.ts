import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { invalidOption, mostSimilar } from '../check-options.js';

/** The signals by which machines and people end a process, and that a program can await. */
const AWAITABLE = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU', 'SIGBREAK'];

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a signal that can't be awaited here. */
export function checkSignals(names: readonly string[]): void {
  if (!isMainThread) {
    throw invalidOption(
      'Leave out `stopOn` in a worker thread, which gets no signals: listen in the main thread, and let the worker set ' +
        '`model.stopTraining`.',
    );
  }
  const known = AWAITABLE.filter((name) => name in constants.signals);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const similar = mostSimilar(unknown, known);
  throw invalidOption(
    `Expected \`stopOn\` to name signals that a process can await (${known.join(', ')}), got '${unknown}'.` +
      (similar === null ? '' : ` Did you mean '${similar}'?`),
  );
}

/**
 * Listens for the first of some signals. The second one has the effect that it would have had without this: unless other
 * code listens for it, it ends the process at once.
 *
 * @returns stops listening. Idempotent.
 */
export function onFirstSignal(names: readonly string[], listener: () => void): () => void {
  let isFirst = true;
  const receive = (signal: NodeJS.Signals): void => {
    if (isFirst) {
      isFirst = false;
      listener();
      return;
    }
    stop();
    // Other listeners have received it as well, and decide.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const stop = (): void => {
    for (const name of names) process.off(name, receive);
  };
  for (const name of names) process.on(name, receive);
  return stop;
}

import { CRITERION_NAMES } from './criteria/criterion.js';
import { EntropyCheckpointError } from './errors.js';
import type { EpochRecord } from './epoch-record.js';
import type { ResolvedOptions } from './options.js';
import type { DecodedHead } from './state/decode-checkpoint.js';
import type { CheckpointStore } from './stores/store.js';

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` where the store holds less than is to be kept. */
export function checkCapacity(
  store: CheckpointStore | null,
  { maxToKeep, saveLast }: Pick<ResolvedOptions, 'maxToKeep' | 'saveLast'>,
): void {
  if (store?.capacity !== 'one' || (maxToKeep === 1 && !saveLast)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected \`maxToKeep: 1\` and \`saveLast: false\`, as ${store.name} holds one checkpoint. A folder, IndexedDB ` +
      'or a MemoryStore holds several.',
  );
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` where what is stored was chosen by something else. */
export function checkMonitor(
  stored: DecodedHead,
  { monitor, mode, criterion }: Pick<ResolvedOptions, 'monitor' | 'mode' | 'criterion'>,
  storeName: string,
): void {
  if (stored.monitor === monitor && stored.mode === mode) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected ${comparison(stored.monitor, stored.mode)}, with which ${storeName} was written, ` +
      `got ${criterion === 'max-entropy' ? `'${monitor}' and '${mode}'` : `\`criterion: '${criterion}'\``}: the ` +
      'epochs could not be compared.',
  );
}

function comparison(monitor: string, mode: 'max' | 'min'): string {
  const isCriterion = (CRITERION_NAMES as readonly string[]).includes(monitor);
  return isCriterion ? `\`criterion: '${monitor}'\`` : `\`monitor: '${monitor}', mode: '${mode}'\``;
}

export function hasTrained(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected `resume` to be called before training, got an instance that has trained. Make a new one.',
  );
}

export function notCompiled(storeName: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected a model that is compiled, as ${storeName} holds the state of an optimizer, got one without. ` +
      'Compile it before `resume`.',
  );
}

export function noBest(epochs: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_BEST',
    epochs === 0
      ? 'There is no best epoch yet: no epoch has ended.'
      : `There is no best epoch: of ${epochs} none could be chosen (see \`history\`, \`startFromEpoch\`, ` +
          '`initialThreshold`), or this instance has been disposed.',
  );
}

export function notKept(epoch: number, kept: readonly EpochRecord[]): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected \`epoch\` to be one that is kept (${kept.map((record) => record.epoch).join(', ')}), got ${epoch}. ` +
      '`maxToKeep` sets how many are.',
  );
}

export function replaced(storeName: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CHECKPOINT_REPLACED',
    `Expected ${storeName} to hold the best epoch of this instance, got that of another training ` +
      '(or nothing). Use `loadCheckpoint(source)` to load whatever is there.',
  );
}

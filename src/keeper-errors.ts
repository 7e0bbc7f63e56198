import { EntropyCheckpointError } from './errors.js';
import type { EpochRecord } from './epoch-record.js';
import type { ResolvedOptions } from './options.js';
import type { CheckpointStore } from './stores/store.js';

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` where the store holds less than is to be kept. */
export function checkCapacity(
  store: Pick<CheckpointStore, 'name' | 'capacity'> | null,
  { maxToKeep, saveLast }: Pick<ResolvedOptions, 'maxToKeep' | 'saveLast'>,
): void {
  if (store?.capacity !== 'one' || (maxToKeep === 1 && !saveLast)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected \`maxToKeep: 1\` and \`saveLast: false\`, as ${store.name} holds one checkpoint. A folder, IndexedDB ` +
      'or a MemoryStore holds several.',
  );
}

export function hasTrained(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected `resume` to be called before training, got an instance that has trained. Make a new one.',
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

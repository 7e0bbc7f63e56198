import { EntropyCheckpointError } from '../errors.js';
import { sizeOfShards, type ShardSpec } from '../stores/store.js';

/** How large the weights and slots of a checkpoint are, in bytes. */
export interface StoredSize {
  /** In memory, when all are loaded. */
  readonly totalBytes: number;
  /** In the store, where equal shards are stored once: new optimizer slots are all zeros. */
  readonly distinctBytes: number;
}

/** So much is always loaded. */
const MIN_BYTES = 2 ** 26;
/** An optimizer of TensorFlow.js has at most three slots for a weight. A custom one may have more. */
const MAX_FACTOR = 8;

export function storedSizeOf(shards: readonly ShardSpec[]): StoredSize {
  const distinct = [...new Map(shards.map((shard) => [shard.sha256, shard])).values()];
  return { totalBytes: sizeOfShards(shards), distinctBytes: sizeOfShards(distinct) };
}

/** How much may be loaded from so many bytes. */
export function maxBytesFrom(bytes: number): number {
  return MIN_BYTES + MAX_FACTOR * bytes;
}

/**
 * Refuses a checkpoint that takes far more memory than its files and the model: a crafted one can name one shard a
 * thousand times.
 *
 * @param modelBytes the weights of the model that is restored; 0 for a new one.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`.
 */
export function requireProportion({ totalBytes, distinctBytes }: StoredSize, modelBytes: number): void {
  const maxBytes = maxBytesFrom(Math.max(distinctBytes, modelBytes));
  if (totalBytes <= maxBytes) return;
  const advice = modelBytes === 0 ? 'Pass the `model` that the checkpoint belongs to. ' : '';
  throw new EntropyCheckpointError(
    'ENTROPY_MODEL_MISMATCH',
    `${advice}Expected at most ${maxBytes} bytes of weights and optimizer slots from ${distinctBytes} bytes in the store, ` +
      `got ${totalBytes}. Nothing was changed.`,
  );
}

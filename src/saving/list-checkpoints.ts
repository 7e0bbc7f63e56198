import type * as tf from '@tensorflow/tfjs';
import { checkOptions, isTimeoutMs, type OptionCheck } from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import { loadCode } from '../platform/load-code.js';
import { resolveLocation } from '../stores/resolve-location.js';
import type { CheckpointStore, Json } from '../stores/store.js';

/** Options of `listCheckpoints`. All can be left out. */
export interface ListCheckpointsOptions {
  /**
   * In milliseconds: how long a `tf.io.IOHandler` or IndexedDB may take for one answer. A number above 0, or `Infinity`.
   *
   * @default 120000
   */
  storeTimeoutMs?: number;
}

/** An epoch that is stored. */
export interface ListedCheckpoint {
  /** Its scores and logs. */
  record: EpochRecord;
  /**
   * Why it's stored; one or several: it's the best epoch, it's kept to be loaded by its number (`maxToKeep`, `keepEvery`),
   * or it's the latest (`saveLast`).
   */
  storedAs: ('best' | 'kept' | 'last')[];
  /** The `metadata` that was stored with it; null for none. */
  metadata: Json;
  /**
   * How large its weights, optimizer slots and history are in the store, in bytes. Checkpoints of a training share equal
   * parts, so together they may take less.
   */
  sizeBytes: number;
}

const CHECKS: Readonly<Record<keyof ListCheckpointsOptions, OptionCheck>> = {
  storeTimeoutMs: [isTimeoutMs, 'a number of milliseconds above 0, or Infinity'],
};

/**
 * Lists the epochs that are stored, of the newest training there: the best first, then by the monitored value, and at last
 * those without a value. No weights are read, and whether they're whole isn't checked; only a `tf.io.IOHandler` and other
 * URLs have no way to leave them out. An epoch whose model file is damaged is left out, with a warning.
 *
 * @param source a path, a URL, a `tf.io.IOHandler` or a store, as for the option `filepath`.
 * @throws EntropyCheckpointError `ENTROPY_NO_CHECKPOINT` where nothing is stored, as `loadCheckpoint` does;
 *   `ENTROPY_NOT_A_CHECKPOINT` and `ENTROPY_CORRUPT_CHECKPOINT` if that is so of everything there;
 *   `ENTROPY_STORE_FAILED`, `ENTROPY_INVALID_OPTION`.
 * @example
 * for (const { record, storedAs } of await listCheckpoints('checkpoints/run-7')) {
 *   console.log(record.epoch, record.value, storedAs.join());
 * }
 */
export async function listCheckpoints(
  source: string | URL | tf.io.IOHandler | CheckpointStore,
  options: ListCheckpointsOptions = {},
): Promise<ListedCheckpoint[]> {
  checkOptions(options, CHECKS);
  const location = resolveLocation(source);
  const [{ listStored }, store] = await Promise.all([
    loadCode(import('./list-stored.js')),
    location.loadStore(options.storeTimeoutMs),
  ]);
  return listStored(store);
}

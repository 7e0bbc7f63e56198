import {
  checkOptions,
  isFunction,
  isIntegerFrom,
  isName,
  isObject,
  isTimeoutMs,
  type OptionCheck,
} from '../../check-options.js';
import { StoreLock } from '../store-lock.js';
import { STORE_TIMEOUT_MS } from '../store-location.js';
import type {
  CheckpointSlot,
  CheckpointSource,
  CheckpointStore,
  SlotUpdate,
  StoredCheckpoint,
  StoredManifest,
} from '../store.js';
import { loadCheckpoint, loadManifest, storedManifests } from './s3-checkpoint.js';
import { S3Folder, type S3ClientLike } from './s3-folder.js';
import { S3Writer } from './s3-writer.js';

/** Options of `S3Store`. */
export interface S3StoreOptions {
  /** An `S3Client` of `@aws-sdk/client-s3`: its credentials, region, endpoint and retries are used. */
  readonly client: S3ClientLike;
  /** The name of the bucket, which exists. */
  readonly bucket: string;
  /** What the keys of all objects begin with, such as `runs/7`: a separate folder for each training. Default '': none. */
  readonly prefix?: string;
  /**
   * How long, in whole seconds, a training that is no longer heard of keeps others from writing there: 3 or more,
   * default 60. A living one writes a small object three times in that time.
   */
  readonly leaseSeconds?: number;
  /** How long a request may take with its retries, in milliseconds. Default 120,000. */
  readonly storeTimeoutMs?: number;
}

const MIN_LEASE_SECONDS = 3;

const CHECKS: Readonly<Record<keyof S3StoreOptions, OptionCheck>> = {
  client: [(client) => isObject(client) && isFunction(client['send']), 'an S3Client of @aws-sdk/client-s3'],
  bucket: [isName, 'the name of a bucket'],
  prefix: [
    (prefix) => typeof prefix === 'string' && !/^\/|\/\//.test(prefix),
    "a text such as 'runs/7', that begins with no slash",
  ],
  leaseSeconds: [isIntegerFrom(MIN_LEASE_SECONDS), `an integer, ${MIN_LEASE_SECONDS} or more`],
  storeTimeoutMs: [isTimeoutMs, 'a number of milliseconds above 0'],
};

/** The keys that stand for the locations of a client, so that its stores of one location share a lock. */
const locations = new WeakMap<object, Map<string, object>>();

function locationOf(client: object, name: string): object {
  const named = locations.get(client) ?? new Map<string, object>();
  locations.set(client, named);
  const key = named.get(name) ?? {};
  named.set(name, key);
  return key;
}

/**
 * Stores checkpoints in a bucket of S3, or of another store with its interface and its conditional writes, in the files
 * that a folder would hold. So `tf.loadLayersModel` reads `model.json` there by its address.
 *
 * A save is one atomic commit. One training at a time writes to a prefix, whatever machines they run on; the lease of
 * one that was killed ends by itself. `load` reads all weights into memory.
 *
 * The client stays the caller's: it's never destroyed here.
 *
 * @example
 * import {S3Client} from '@aws-sdk/client-s3';
 * import {S3Store} from 'tfjs-entropy-checkpoint/s3';
 *
 * const filepath = new S3Store({client: new S3Client({}), bucket: 'models', prefix: 'runs/7'});
 * await model.fit(x, y, {callbacks: new EntropyCheckpointCallback({filepath})});
 */
export class S3Store implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'many';
  readonly #folder: S3Folder;
  readonly #lock: StoreLock;
  /** Holds the prefix while the lock is held. */
  #writer: S3Writer | null = null;

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`. */
  constructor(options: S3StoreOptions) {
    checkOptions(options, CHECKS);
    const { client, bucket, prefix = '', leaseSeconds = 60, storeTimeoutMs = STORE_TIMEOUT_MS } = options;
    // What is left out has no default.
    checkOptions({ client: (client as unknown) ?? null, bucket: (bucket as unknown) ?? null }, CHECKS);
    const folderPrefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    this.#folder = new S3Folder(client, bucket, folderPrefix, storeTimeoutMs);
    this.name = this.#folder.name;
    this.#lock = new StoreLock(this.name, locationOf(client, this.name), async () => {
      const writer = await S3Writer.open(this.#folder, leaseSeconds);
      this.#writer = writer;
      return () => {
        this.#writer = null;
        return writer.close();
      };
    });
  }

  open(): Promise<void> {
    return this.#lock.open(() => Promise.resolve());
  }

  save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<readonly CheckpointSlot[]> {
    return this.#lock.run(() => this.#writer!.save(checkpoint, update));
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#lock.settled();
    return [...(await storedManifests(this.#folder)).keys()];
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#lock.settled();
    return loadCheckpoint(this.#folder, slot);
  }

  async loadManifest(slot: CheckpointSlot): Promise<StoredManifest | null> {
    await this.#lock.settled();
    return loadManifest(this.#folder, slot);
  }

  close(): void {
    this.#lock.close();
  }
}

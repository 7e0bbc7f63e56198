import type * as tf from '@tensorflow/tfjs';
import { describeValue } from '../check-options.js';
import { EntropyCheckpointError, excerpt } from '../errors.js';
import { InMemoryCheckpoint } from './in-memory-checkpoint.js';
import { StoreLock } from './store-lock.js';
import { readShards } from './read-shards.js';
import { attempt } from './store-failure.js';
import { manifestFromText, manifestText, checkManifest } from './check-manifest.js';
import { STORE_TIMEOUT_MS } from './store-location.js';
import { isTfjsHandler, saysNothingStored } from './tfjs-handlers.js';
import { withTimeLimit } from './time-limit.js';
import {
  sizeOfShards,
  type CheckpointSource,
  type CheckpointStore,
  type SlotUpdate,
  type CheckpointSlot,
  type ShardBuffer,
  type StoredCheckpoint,
} from './store.js';

/**
 * The save of each handler or URL that hasn't settled. After a timeout it may still change what is stored, so a later
 * save waits for it.
 */
const unsettledSaves = new Map<unknown, Promise<unknown>>();

export interface HandlerStoreOptions {
  /** What the handler serves, if known. It identifies the location; without it, the handler object does. */
  readonly url?: string | undefined;
  /** The handler of TensorFlow.js that loads, where the one that is passed only stands for it. */
  readonly loader?: tf.io.IOHandler | undefined;
  /** How long the handler may take for one answer. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Stores one checkpoint in any `tf.io.IOHandler`: one artifact holds the model, the optimizer's state and the record.
 *
 * Handlers take and return all weights at once, so saving and loading need memory for one more copy. How safely the
 * previous checkpoint is replaced depends on the handler.
 */
export class HandlerStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'one';
  readonly #handler: tf.io.IOHandler;
  readonly #loader: tf.io.IOHandler;
  readonly #key: unknown;
  readonly #timeoutMs: number;
  readonly #lock: StoreLock;
  /** What `slots` has loaded: the `load` that follows uses it, so that a large model isn't fetched twice. */
  #loaded: tf.io.ModelArtifacts | null = null;
  /** The bytes of the shards that the last save shares with the next one, by checksum. */
  #sharedShards: ReadonlyMap<string, Promise<ShardBuffer>> = new Map();

  constructor(handler: tf.io.IOHandler, options: HandlerStoreOptions = {}) {
    const { url, loader = handler, timeoutMs = STORE_TIMEOUT_MS } = options;
    this.name = url ?? 'the tf.io.IOHandler';
    this.#handler = handler;
    this.#loader = loader;
    this.#key = url ?? handler;
    this.#timeoutMs = timeoutMs;
    this.#lock = new StoreLock(this.name, this.#key);
  }

  /**
   * Locks the handler or URL for one training.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training holds the lock;
   *   `ENTROPY_NOT_A_CHECKPOINT` if local storage holds a model that this package didn't write;
   *   `ENTROPY_INVALID_OPTION` for a handler that can't save; `ENTROPY_STORE_FAILED`.
   */
  open(): Promise<void> {
    return this.#lock.open(async () => {
      this.#requireMethod('save');
      await this.#refuseForeignModel();
    });
  }

  /**
   * Saves a checkpoint. Without `open`, the handler or URL is locked for this one save.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_STORE_FAILED`, `ENTROPY_INVALID_OPTION`.
   * @throws TypeError for a slot other than `'best'`.
   */
  async save(checkpoint: CheckpointSource, { into, keep }: SlotUpdate): Promise<void> {
    if (!into.includes('best') || [...into, ...keep].some((slot) => slot !== 'best')) {
      throw new TypeError(`Expected only the slot 'best' for ${this.name}, got '${into.join()}'.`);
    }
    const save = this.#requireMethod('save');
    const what = `save to ${this.name}`;
    await this.#lock.run(() =>
      attempt(what, '', async () => {
        this.#loaded = null;
        const earlier = unsettledSaves.get(this.#key);
        if (earlier !== undefined) await withTimeLimit(earlier, this.#timeoutMs, what);
        const artifacts = await artifactsOf(await this.#withKnownShards(checkpoint), this.name);
        // A handler written in JavaScript may return nothing.
        const saving = Promise.resolve(save.call(this.#handler, artifacts) as unknown);
        this.#remember(saving);
        const result = await withTimeLimit(saving, this.#timeoutMs, what);
        const errors: unknown[] = (result as { errors?: unknown[] } | undefined)?.errors ?? [];
        if (errors.length > 0) throw new Error(errors.map(String).join('; '));
      }),
    );
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#lock.settled();
    this.#loaded = await this.#loadArtifacts();
    return this.#loaded === null ? [] : ['best'];
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#lock.settled();
    if (slot !== 'best') return null;
    const artifacts = this.#loaded ?? (await this.#loadArtifacts());
    this.#loaded = null;
    return artifacts === null ? null : checkpointOf(artifacts, this.name);
  }

  close(): void {
    this.#loaded = null;
    this.#lock.close();
  }

  #remember(saving: Promise<unknown>): void {
    const settled = saving
      .catch(() => undefined)
      .then(() => {
        if (unsettledSaves.get(this.#key) === settled) unsettledSaves.delete(this.#key);
      });
    unsettledSaves.set(this.#key, settled);
  }

  /** A handler takes all bytes at every save: here the shared ones are kept, so that only copying them takes time. */
  async #withKnownShards(checkpoint: CheckpointSource): Promise<CheckpointSource> {
    const known = new Map<string, Promise<ShardBuffer>>();
    const shards = ((await checkpoint.sharedShards?.()) ?? []).map((shard) => {
      const bytes = (): Promise<ShardBuffer> => {
        const kept = known.get(shard.sha256) ?? this.#sharedShards.get(shard.sha256) ?? shard.bytes();
        known.set(shard.sha256, kept);
        return kept;
      };
      return { ...shard, bytes };
    });
    await Promise.all(shards.map(({ bytes }) => bytes()));
    this.#sharedShards = known;
    return {
      sizeBytes: checkpoint.sizeBytes,
      readShard: (buffer) => checkpoint.readShard(buffer),
      sharedShards: () => Promise.resolve(shards),
      manifest: () => checkpoint.manifest(),
    };
  }

  /** Protects local storage only. Passing a handler or a server's URL means that it may be overwritten. */
  async #refuseForeignModel(): Promise<void> {
    if (!this.name.startsWith('localstorage://')) return;
    const artifacts = await this.#loadArtifacts();
    try {
      if (artifacts !== null) checkpointOf(artifacts, this.name);
    } catch (error) {
      // A damaged checkpoint may be replaced.
      if (!(error instanceof EntropyCheckpointError) || error.code !== 'ENTROPY_CORRUPT_CHECKPOINT')
        throw error;
    }
  }

  #requireMethod<Name extends 'save' | 'load'>(name: Name): NonNullable<tf.io.IOHandler[Name]> {
    const method = this.#handler[name];
    if (method !== undefined) return method;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected ${this.name} to have a \`${name}\` method.`,
    );
  }

  async #loadArtifacts(): Promise<tf.io.ModelArtifacts | null> {
    const load = this.#requireMethod('load');
    const what = `load from ${this.name}`;
    return attempt(what, this.#loadAdvice, async () => {
      try {
        const artifacts = await withTimeLimit(
          // A handler written in JavaScript may return what is no promise.
          Promise.resolve(load.call(this.#handler) as unknown),
          this.#timeoutMs,
          what,
        );
        return artifacts ?? null;
      } catch (error) {
        if (saysNothingStored(this.#loader, error)) return null;
        throw error;
      }
    });
  }

  get #loadAdvice(): string {
    return isTfjsHandler(this.#loader)
      ? ''
      : 'If nothing is stored there, let `load` resolve with null: an error never counts as that.';
  }
}

function checkpointOf(artifacts: tf.io.ModelArtifacts, name: string): StoredCheckpoint {
  const { modelTopology, weightSpecs = [], generatedBy, userDefinedMetadata: metadata } = artifacts;
  const entry = metadata?.['entropyCheckpoint'] as { generatedBy?: unknown } | null | undefined;
  // A handler may leave out `generatedBy`.
  const parts = { modelTopology, weightSpecs, generatedBy: generatedBy ?? entry?.generatedBy, metadata };
  const manifest = checkManifest(parts, name);
  const pieces = piecesOf(artifacts.weightData, name);
  const expected = sizeOfShards(manifest.shards);
  const got = pieces.reduce((total, { length }) => total + length, 0);
  if (expected !== got) {
    throw new EntropyCheckpointError(
      'ENTROPY_CORRUPT_CHECKPOINT',
      `Expected ${expected} bytes of ${weightSpecs.length} weights in ${name}, got ${got}.`,
    );
  }
  return new InMemoryCheckpoint(manifest, pieces, name);
}

/** Joins all shards: users' handlers expect a single buffer, as `model.save` gives it. */
async function artifactsOf(checkpoint: CheckpointSource, name: string): Promise<tf.io.ModelArtifacts> {
  const shared = (await checkpoint.sharedShards?.()) ?? [];
  const joined = new Uint8Array(checkpoint.sizeBytes + sizeOfShards(shared));
  let position = 0;
  const read = await readShards(checkpoint, (bytes) => {
    joined.set(bytes, position);
    position += bytes.length;
  });
  // A copy, as a handler may keep the object.
  const manifest = manifestFromText(manifestText(read, name), name);
  return {
    modelTopology: manifest.modelTopology as object,
    format: 'layers-model',
    generatedBy: manifest.generatedBy,
    convertedBy: null,
    weightSpecs: [...manifest.weightSpecs],
    weightData: joined.buffer,
    userDefinedMetadata: manifest.metadata as Record<string, object>,
  };
}

const isArrayBuffer = (value: unknown): value is ArrayBuffer =>
  // Not `instanceof`, which fails across realms.
  /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));

/** Views of the weights that a handler returns: one or several buffers, or Node Buffers, each part of a larger one. */
function piecesOf(weightData: unknown, name: string): Uint8Array[] {
  if (weightData === undefined || weightData === null) return [];
  if (Array.isArray(weightData)) return weightData.flatMap((piece) => piecesOf(piece, name));
  if (isArrayBuffer(weightData)) return [new Uint8Array(weightData)];
  if (ArrayBuffer.isView(weightData)) {
    return [new Uint8Array(weightData.buffer, weightData.byteOffset, weightData.byteLength)];
  }
  throw new EntropyCheckpointError(
    'ENTROPY_CORRUPT_CHECKPOINT',
    `Expected the weightData of ${name} to be an ArrayBuffer or a list of them, got ${excerpt(describeValue(weightData))}.`,
  );
}

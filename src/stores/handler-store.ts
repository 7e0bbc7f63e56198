import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { InMemoryCheckpoint } from './in-memory-checkpoint.js';
import { StoreLock } from './store-lock.js';
import { readShards } from './read-shards.js';
import { attempt } from './store-failure.js';
import { manifestFromText, manifestText, checkManifest } from './check-manifest.js';
import {
  sizeOfShards,
  type CheckpointSource,
  type CheckpointStore,
  type SlotUpdate,
  type CheckpointSlot,
  type StoredCheckpoint,
} from './store.js';

/** What handlers say when nothing is stored where they look, each in its own words. */
const NOTHING_STORED = /cannot find|no (item|model)|not found|does not exist|status code 404|ENOENT/i;

/**
 * One checkpoint in any `tf.io.IOHandler`: one artifact holds the model, the optimizer's state and the record.
 * While saving and loading, all weights are in memory once more, as handlers know them only as a whole; how
 * safely the previous checkpoint is replaced is up to the handler.
 */
export class HandlerStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'one';
  readonly #handler: tf.io.IOHandler;
  readonly #claim: StoreLock;

  /** @param url what the handler is for, if it is known; else the handler itself is the place. */
  constructor(handler: tf.io.IOHandler, url?: string) {
    this.name = url ?? 'the tf.io.IOHandler';
    this.#handler = handler;
    this.#claim = new StoreLock(this.name, url ?? handler);
  }

  /** @throws EntropyCheckpointError as `CheckpointStore.open`; `ENTROPY_INVALID_OPTION` for a handler that cannot save. */
  open(): Promise<void> {
    return this.#claim.open(async () => {
      this.#requireMethod('save');
      await this.#refuseForeignModel();
    });
  }

  /**
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`, `ENTROPY_INVALID_OPTION`.
   * @throws TypeError for another slot than `'best'`.
   */
  async save(checkpoint: CheckpointSource, { into, keep }: SlotUpdate): Promise<void> {
    if (!into.includes('best') || [...into, ...keep].some((slot) => slot !== 'best')) {
      throw new TypeError(`Expected ${this.name} to be given the slot 'best' alone, got '${into.join()}'.`);
    }
    const save = this.#requireMethod('save');
    await this.#claim.run(() =>
      attempt(`save to ${this.name}`, '', async () => {
        const artifacts = await artifactsOf(checkpoint, this.name);
        // Handlers in JavaScript need not return what the types ask for.
        const result = (await save.call(this.#handler, artifacts)) as { errors?: unknown[] } | undefined;
        const errors = result?.errors ?? [];
        if (errors.length > 0) throw new Error(errors.map(String).join('; '));
      }),
    );
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#claim.settled();
    return (await this.#loadArtifacts()) === null ? [] : ['best'];
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#claim.settled();
    return slot === 'best' ? this.#loadCheckpoint() : null;
  }

  close(): void {
    this.#claim.close();
  }

  /** In the browser's own storage; whoever passes a handler or a server has made room for the checkpoint. */
  async #refuseForeignModel(): Promise<void> {
    if (!this.name.startsWith('localstorage://')) return;
    await this.#loadCheckpoint().catch((error: unknown) => {
      // What is damaged may be replaced.
      if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NOT_A_CHECKPOINT') throw error;
    });
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
    return attempt(`load from ${this.name}`, '', async () => {
      try {
        // As of `save`: some resolve with nothing where nothing is stored.
        const artifacts: unknown = await load.call(this.#handler);
        return artifacts ?? null;
      } catch (error) {
        if (NOTHING_STORED.test(String(error))) return null;
        throw error;
      }
    });
  }

  async #loadCheckpoint(): Promise<StoredCheckpoint | null> {
    const artifacts = await this.#loadArtifacts();
    if (artifacts === null) return null;
    const { modelTopology, weightSpecs = [], generatedBy, userDefinedMetadata: metadata } = artifacts;
    const own = metadata?.['entropyCheckpoint'] as { generatedBy?: unknown } | null | undefined;
    // A handler may leave it out.
    const parts = { modelTopology, weightSpecs, generatedBy: generatedBy ?? own?.generatedBy, metadata };
    const manifest = checkManifest(parts, this.name);
    const pieces = piecesOf(artifacts.weightData);
    const expected = sizeOfShards(manifest.shards);
    const got = pieces.reduce((total, { length }) => total + length, 0);
    if (expected !== got) {
      throw new EntropyCheckpointError(
        'ENTROPY_CORRUPT_CHECKPOINT',
        `Expected ${expected} bytes of ${weightSpecs.length} weights in ${this.name}, got ${got}.`,
      );
    }
    return new InMemoryCheckpoint(manifest, pieces, this.name);
  }
}

/** Handlers of the user's own know a single buffer only, as `model.save` gives it. */
async function artifactsOf(checkpoint: CheckpointSource, name: string): Promise<tf.io.ModelArtifacts> {
  const joined = new Uint8Array(checkpoint.sizeBytes);
  let position = 0;
  const read = await readShards(checkpoint, (bytes) => {
    joined.set(bytes, position);
    position += bytes.length;
  });
  // A copy, as a handler may keep what it is given.
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

/** Views of what a handler gives, which may be several buffers, or a Node `Buffer` that is part of a larger one. */
function piecesOf(weightData: unknown): Uint8Array[] {
  if (weightData === undefined || weightData === null) return [];
  if (Array.isArray(weightData)) return weightData.flatMap(piecesOf);
  if (!ArrayBuffer.isView(weightData)) return [new Uint8Array(weightData as ArrayBuffer)];
  return [new Uint8Array(weightData.buffer, weightData.byteOffset, weightData.byteLength)];
}

import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { isWeightSpec, joinBytes, weightSizeBytes } from './weight-data.js';
import type { CheckpointStore, Json, StoredCheckpoint } from './store.js';

/** Places that a training of this process writes to. */
const claimed = new Set<unknown>();

/** What handlers say when nothing is stored where they look, each in its own words. */
const NOTHING_STORED = /cannot find|no (item|model)|not found|does not exist|status code 404|ENOENT/i;

/** Any `tf.io.IOHandler`: one artifact holds the model, the optimizer's state and the record. */
export class HandlerStore implements CheckpointStore {
  readonly name: string;
  readonly #handler: tf.io.IOHandler;
  readonly #place: unknown;
  #isOpen = false;

  /** @param url what the handler is for, if it is known; else the handler itself is the place. */
  constructor(handler: tf.io.IOHandler, url?: string) {
    this.name = url ?? 'the tf.io.IOHandler';
    this.#handler = handler;
    this.#place = url ?? handler;
  }

  async open(): Promise<void> {
    if (this.#handler.save === undefined) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected ${this.name} to have a \`save\` method.`,
      );
    }
    if (claimed.has(this.#place) && !this.#isOpen) {
      throw new EntropyCheckpointError(
        'ENTROPY_STORE_IN_USE',
        `Another training writes to ${this.name}. Give this one another \`filepath\`, or end the other first.`,
      );
    }
    claimed.add(this.#place);
    this.#isOpen = true;
    try {
      await this.#refuseForeignModel();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** In the browser's own storage; whoever passes a handler or a server has made room for the checkpoint. */
  async #refuseForeignModel(): Promise<void> {
    if (!/^(indexeddb|localstorage):/.test(this.name)) return;
    await this.load().catch((error: unknown) => {
      // What is damaged may be replaced.
      if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NOT_A_CHECKPOINT') throw error;
    });
  }

  async save(checkpoint: StoredCheckpoint): Promise<void> {
    const { save } = this.#handler;
    if (save === undefined) return;
    const artifacts = {
      modelTopology: checkpoint.modelTopology as object,
      format: 'layers-model',
      generatedBy: checkpoint.generatedBy,
      convertedBy: null,
      weightSpecs: [...checkpoint.weightSpecs],
      // Handlers of the user's own know a single buffer only, as `model.save` gives it.
      weightData: joinBytes(checkpoint.weightData),
      userDefinedMetadata: checkpoint.metadata as Record<string, object>,
    };
    try {
      // Handlers in JavaScript need not return what the types ask for.
      const result = (await save.call(this.#handler, artifacts)) as { errors?: unknown[] } | undefined;
      const errors = result?.errors ?? [];
      if (errors.length > 0) throw new Error(errors.map(String).join('; '));
    } catch (cause) {
      throw new EntropyCheckpointError(
        'ENTROPY_STORE_FAILED',
        `Could not save to ${this.name}: ${String(cause)}`,
        {
          cause,
        },
      );
    }
  }

  async load(): Promise<StoredCheckpoint | null> {
    if (this.#handler.load === undefined) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected ${this.name} to have a \`load\` method.`,
      );
    }
    let artifacts: tf.io.ModelArtifacts;
    try {
      artifacts = await this.#handler.load();
    } catch (cause) {
      if (NOTHING_STORED.test(String(cause))) return null;
      throw new EntropyCheckpointError(
        'ENTROPY_STORE_FAILED',
        `Could not load from ${this.name}: ${String(cause)}`,
        {
          cause,
        },
      );
    }
    return this.#fromArtifacts(artifacts);
  }

  close(): void {
    if (this.#isOpen) claimed.delete(this.#place);
    this.#isOpen = false;
  }

  #fromArtifacts(artifacts: tf.io.ModelArtifacts): StoredCheckpoint {
    const { modelTopology, weightSpecs, weightData, generatedBy } = artifacts;
    const metadata = artifacts.userDefinedMetadata as StoredCheckpoint['metadata'] | undefined;
    const own = metadata?.['entropyCheckpoint'] as Record<string, Json> | null | undefined;
    if (metadata === undefined || own === null || typeof own !== 'object' || modelTopology === undefined) {
      throw new EntropyCheckpointError(
        'ENTROPY_NOT_A_CHECKPOINT',
        `Expected ${this.name} to hold a checkpoint, got a model without its record.`,
      );
    }
    const specs = weightSpecs ?? [];
    const data = tf.io.CompositeArrayBuffer.join(weightData);
    return {
      modelTopology: modelTopology as Json,
      weightSpecs: specs,
      weightData: split(data, specs, this.name),
      weightChecksum: own['weightChecksum'] as string,
      // A handler may leave it out.
      generatedBy: generatedBy ?? (own['generatedBy'] as string),
      metadata,
    };
  }
}

function split(data: ArrayBuffer, specs: readonly tf.io.WeightsManifestEntry[], name: string): Uint8Array[] {
  const sizes = specs.every(isWeightSpec) ? specs.map(weightSizeBytes) : [];
  const totalBytes = sizes.reduce((total, size) => total + size, 0);
  if (sizes.length !== specs.length || totalBytes !== data.byteLength) {
    throw new EntropyCheckpointError(
      'ENTROPY_CORRUPT_CHECKPOINT',
      `Expected ${totalBytes} bytes of ${specs.length} weights in ${name}, got ${data.byteLength}.`,
    );
  }
  let offset = 0;
  // Copies, so that each begins at an offset that a Float32Array may have.
  return sizes.map((size) => new Uint8Array(data.slice(offset, (offset += size))));
}

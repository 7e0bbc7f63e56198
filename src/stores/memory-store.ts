import { bindMembers } from '../platform/bind-members.js';
import { InMemoryCheckpoint } from './in-memory-checkpoint.js';
import { StoreLock } from './store-lock.js';
import { readShards } from './read-shards.js';
import { attempt, UNCHANGED } from './store-failure.js';
import { manifestFromText, manifestText } from './check-manifest.js';
import type {
  CheckpointSource,
  CheckpointStore,
  SlotUpdate,
  CheckpointSlot,
  StoredCheckpoint,
} from './store.js';

interface MemoryEntry {
  /** JSON text, which shares no objects with the caller. */
  readonly manifest: string;
  /** One array for each shard, with its own buffer. */
  readonly shards: readonly Uint8Array[];
  /** Their checksums. */
  readonly names: readonly string[];
}

/**
 * Stores checkpoints in host memory, as long as this object is referenced. Shards that are equal in several
 * checkpoints, such as those of frozen layers, are stored once.
 *
 * @example
 * const store = new MemoryStore();
 * const checkpoint = new EntropyCheckpointCallback({ filepath: store });
 */
export class MemoryStore implements CheckpointStore {
  readonly name = 'memory';
  readonly capacity = 'many';
  readonly #lock = new StoreLock(this.name, this);
  #slots: ReadonlyMap<CheckpointSlot, MemoryEntry> = new Map();

  constructor() {
    bindMembers(this);
  }

  /** @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training has this object open. */
  open(): Promise<void> {
    return this.#lock.open(() => Promise.resolve());
  }

  save(checkpoint: CheckpointSource, { into, keep }: SlotUpdate): Promise<void> {
    return this.#lock.run(() =>
      attempt(`save to ${this.name}`, UNCHANGED, async () => {
        const entry = await this.#copyOf(checkpoint);
        const remaining = [...this.#slots].filter(([slot]) => keep.includes(slot));
        this.#slots = new Map([...remaining, ...into.map((slot) => [slot, entry] as const)]);
      }),
    );
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#lock.settled();
    return [...this.#slots.keys()];
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#lock.settled();
    const entry = this.#slots.get(slot);
    if (entry === undefined) return null;
    return new InMemoryCheckpoint(manifestFromText(entry.manifest, this.name), entry.shards, this.name);
  }

  close(): void {
    this.#lock.close();
  }

  async #copyOf(checkpoint: CheckpointSource): Promise<MemoryEntry> {
    const known = this.#shardsByChecksum();
    const manifest = await readShards(
      checkpoint,
      (bytes, { sha256 }) => {
        if (!known.has(sha256)) known.set(sha256, bytes.slice());
      },
      ({ sha256 }) => known.has(sha256),
    );
    const names = manifest.shards.map(({ sha256 }) => sha256);
    return {
      manifest: manifestText(manifest, this.name),
      shards: names.map((name) => known.get(name)!),
      names,
    };
  }

  #shardsByChecksum(): Map<string, Uint8Array> {
    const known = new Map<string, Uint8Array>();
    for (const { names, shards } of this.#slots.values()) {
      for (const [i, name] of names.entries()) known.set(name, shards[i]!);
    }
    return known;
  }
}

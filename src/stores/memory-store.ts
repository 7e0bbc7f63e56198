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

interface Kept {
  /** Text, so that nobody's objects are part of it. */
  readonly manifest: string;
  /** One for each shard, each with a buffer of its own. */
  readonly shards: readonly Uint8Array[];
}

/**
 * Keeps checkpoints in host memory, as long as this object is kept. Shards that do not change from one
 * checkpoint to another, such as those of frozen layers, are kept once.
 *
 * @example
 * const store = new MemoryStore();
 * const checkpoint = new EntropyCheckpointCallback({ filepath: store });
 */
export class MemoryStore implements CheckpointStore {
  readonly name = 'memory';
  readonly capacity = 'many';
  readonly #claim = new StoreLock(this.name, this);
  #slots: ReadonlyMap<CheckpointSlot, Kept> = new Map();

  /** @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training has this object open. */
  open(): Promise<void> {
    return this.#claim.open(() => Promise.resolve());
  }

  save(checkpoint: CheckpointSource, { into, keep }: SlotUpdate): Promise<void> {
    return this.#claim.run(() =>
      attempt(`save to ${this.name}`, UNCHANGED, async () => {
        const kept = await this.#copyOf(checkpoint);
        const remaining = [...this.#slots].filter(([slot]) => keep.includes(slot));
        this.#slots = new Map([...remaining, ...into.map((slot) => [slot, kept] as const)]);
      }),
    );
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#claim.settled();
    return [...this.#slots.keys()];
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#claim.settled();
    const kept = this.#slots.get(slot);
    if (kept === undefined) return null;
    return new InMemoryCheckpoint(manifestFromText(kept.manifest, this.name), kept.shards, this.name);
  }

  close(): void {
    this.#claim.close();
  }

  async #copyOf(checkpoint: CheckpointSource): Promise<Kept> {
    const known = this.#shardsByChecksum();
    const shards: Uint8Array[] = [];
    const manifest = await readShards(checkpoint, (bytes, { sha256 }) => {
      const shard = known.get(sha256) ?? bytes.slice();
      known.set(sha256, shard);
      shards.push(shard);
    });
    return { manifest: manifestText(manifest, this.name), shards };
  }

  #shardsByChecksum(): Map<string, Uint8Array> {
    const known = new Map<string, Uint8Array>();
    for (const { manifest, shards } of new Set(this.#slots.values())) {
      for (const [i, { sha256 }] of manifestFromText(manifest, this.name).shards.entries())
        known.set(sha256, shards[i]!);
    }
    return known;
  }
}

import { EntropyCheckpointError } from '../../errors.js';
import type { DurableFolder } from './durable-folder.js';
import { isShardFile, shardFileName, slotFileName, slotOfFile } from '../file-names.js';
import type { FolderEntry } from './file-system.js';
import { isTemporaryFile } from './temporary-file-names.js';
import { decodeModelJson, refuseForeign } from '../model-json.js';
import type { CheckpointSlot, ShardSpec } from '../store.js';

/**
 * What the writer of a folder knows of its files, from when it locks the folder: which slot file names which shards. It
 * removes what isn't needed, but no file that another program has put there since.
 */
export class KnownFiles {
  readonly #folder: DurableFolder;
  /** The shards that the slot files name. null: the file was damaged when the folder was locked. */
  readonly #shards = new Map<string, ReadonlySet<string> | null>();
  /** The shards that were there when the folder was locked: a damaged slot file may name any of them. */
  readonly #found: ReadonlySet<string>;
  /** The shards that the last save shares with the next one. */
  #shared: ReadonlySet<string> = new Set();

  private constructor(folder: DurableFolder, found: ReadonlySet<string>) {
    this.#folder = folder;
    this.#found = found;
  }

  /**
   * Reads the slot files of a folder that the caller has locked.
   *
   * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT` if one of them wasn't written by this package.
   */
  static async read(folder: DurableFolder, entries: readonly FolderEntry[]): Promise<KnownFiles> {
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    folder.adopt(files.filter((name) => isShardFile(name) || isTemporaryFile(name) || isSlotFile(name)));
    const known = new KnownFiles(folder, new Set(files.filter(isShardFile)));
    for (const { name } of entries) {
      if (!isSlotFile(name)) continue;
      const bytes = await readOrRefuse(folder, name);
      known.#shards.set(name, bytes === null ? null : await shardsNamedIn(bytes, name));
    }
    return known;
  }

  /**
   * Refuses to replace what another program has put into the folder since it was locked.
   *
   * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT`.
   */
  async refuseForeign(slots: readonly CheckpointSlot[]): Promise<void> {
    for (const name of slots.map(slotFileName)) {
      const bytes = await readOrRefuse(this.#folder, name);
      if (bytes !== null && !this.#folder.isOwn(name)) throw notOwn(this.#folder.pathOf(name));
    }
  }

  /** Whether an earlier save has written a shared shard, and it's still there. */
  async holds(shard: ShardSpec): Promise<boolean> {
    const name = shardFileName(shard);
    return this.#shared.has(name) && (await this.#folder.sizeOf(name)) === shard.sizeBytes;
  }

  /** @param shards all shared shards of a checkpoint that is stored now. */
  setShared(shards: readonly ShardSpec[]): void {
    this.#shared = new Set(shards.map(shardFileName));
  }

  /** Renames a temporary file to a slot file that names `shards`. */
  async replace(slotFile: string, temporary: string, shards: ReadonlySet<string>): Promise<void> {
    // If this fails, either file may be there.
    this.#shards.delete(slotFile);
    await this.#folder.rename(temporary, slotFile);
    this.#shards.set(slotFile, shards);
  }

  /** Removes the slot files of this writer, but for those of `kept`. @returns whether there were any. */
  async removeSlots(entries: readonly FolderEntry[], kept: readonly CheckpointSlot[]): Promise<boolean> {
    const keptFiles = new Set(kept.map(slotFileName));
    const others = entries.filter((entry) => {
      const { name } = entry;
      return !keptFiles.has(name) && isSlotFile(name) && entry.isFile() && this.#folder.isOwn(name);
    });
    for (const { name } of others) {
      await this.#folder.remove(name);
      this.#shards.delete(name);
    }
    return others.length > 0;
  }

  /** Whether a slot was stored, and isn't lost as far as is known. */
  isStored(slot: CheckpointSlot): boolean {
    return this.#shards.has(slotFileName(slot));
  }

  /** The slots of which a file is gone, since the folder was locked or this was last called. */
  takeLostSlots(entries: readonly FolderEntry[]): CheckpointSlot[] {
    const files = new Set(entries.map(({ name }) => name));
    const lost = [...this.#shards].filter(([name, shards]) => {
      return ![name, ...(shards ?? [])].every((file) => files.has(file));
    });
    for (const [name] of lost) this.#shards.delete(name);
    return lost.map(([name]) => slotOfFile(name)).filter((slot) => slot !== null);
  }

  /**
   * Removes temporary files, and shards that no slot names.
   *
   * A power failure can bring back the previous slot files until the folder is flushed. So the caller flushes it first,
   * or restricts `isCandidate` to new shards.
   *
   * Never rejects: the next save tries again.
   *
   * @param listed the entries of the folder; null: it is listed.
   */
  async removeLeftovers(
    listed: readonly FolderEntry[] | null,
    isCandidate: (shardFile: string) => boolean = () => true,
  ): Promise<void> {
    const entries = listed ?? (await this.#folder.entries().catch(() => []));
    const own = this.#folder.ownFiles;
    const shards = own.filter((name) => isShardFile(name) && isCandidate(name));
    const needed = shards.length === 0 ? new Set() : await this.#neededShards(entries);
    // If a slot file is unreadable after a failed save, any shard may be needed.
    const unneeded = needed === null ? [] : shards.filter((name) => !needed.has(name));
    const leftovers = [...own.filter(isTemporaryFile), ...unneeded];
    await Promise.allSettled(leftovers.map((name) => this.#folder.remove(name)));
  }

  async #neededShards(entries: readonly FolderEntry[]): Promise<Set<string> | null> {
    const needed = new Set<string>();
    for (const name of new Set([...this.#shards.keys(), ...entries.map((entry) => entry.name)])) {
      if (!isSlotFile(name)) continue;
      const shards = this.#shards.has(name)
        ? (this.#shards.get(name) ?? this.#found)
        : await this.#read(name);
      if (shards === null && this.#folder.isOwn(name)) return null;
      for (const shard of shards ?? []) needed.add(shard);
    }
    return needed;
  }

  async #read(slotFile: string): Promise<ReadonlySet<string> | null> {
    const bytes = await this.#folder.read(slotFile).catch(() => null);
    return bytes === null ? null : shardsNamedIn(bytes, slotFile);
  }
}

function isSlotFile(name: string): boolean {
  return slotOfFile(name) !== null;
}

async function shardsNamedIn(bytes: Uint8Array, slotFile: string): Promise<ReadonlySet<string> | null> {
  try {
    const { shards } = await decodeModelJson(bytes, slotFile);
    return new Set(shards.map(shardFileName));
  } catch {
    return null;
  }
}

/** Reads a slot file. null: it doesn't exist, or is unreadable: then it may be replaced, as a damaged one may. */
async function readOrRefuse(folder: DurableFolder, name: string): Promise<Uint8Array | null> {
  const bytes = await folder.read(name).catch((error: unknown) => {
    if (error instanceof EntropyCheckpointError) throw error;
    return null;
  });
  if (bytes !== null) {
    refuseForeign(bytes, folder.pathOf(name), 'Use another `filepath`, or move that file away.');
  }
  return bytes;
}

function notOwn(path: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NOT_A_CHECKPOINT',
    `"${path}" was put there by another program after training began, and will not be overwritten. Move that file away, and give that program another folder.`,
  );
}

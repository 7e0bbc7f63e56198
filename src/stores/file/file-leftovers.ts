import type { DurableFolder } from './durable-folder.js';
import { isShardFile, isTemporaryFile, shardFileName, slotOfFile } from './file-names.js';
import type { FolderEntry } from './file-system.js';
import { decodeModelJson } from './model-json.js';

export interface LeftoversOptions {
  /** The entries of the folder. @default the folder is listed */
  readonly entries?: readonly FolderEntry[];
  /** The shards that slot files name, by slot file. Those files aren't read. @default all slot files are read */
  readonly knownShards?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Which shard files may be removed. @default every one that no slot names */
  readonly isCandidate?: (shardFile: string) => boolean;
}

/**
 * Removes temporary files, and shards that no slot names.
 *
 * A power failure can bring back the previous slot files until the folder is flushed. So the caller flushes it first,
 * or restricts `isCandidate` to new shards.
 *
 * Never rejects: the next save tries again.
 */
export async function removeLeftovers(
  folder: DurableFolder,
  { entries: listed, knownShards = new Map(), isCandidate = () => true }: LeftoversOptions = {},
): Promise<void> {
  const entries = listed ?? (await folder.entries().catch(() => []));
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const shards = files.filter((name) => isShardFile(name) && isCandidate(name));
  const slotFiles = entries.map(({ name }) => name).filter((name) => slotOfFile(name) !== null);
  const named =
    shards.length === 0 ? new Set() : await shardsNamedBy(folder, slotFiles, knownShards).catch(() => null);
  // If a slot file is unreadable, any shard may be needed.
  const unnamed = named === null ? [] : shards.filter((name) => !named.has(name));
  const leftovers = [...files.filter(isTemporaryFile), ...unnamed];
  await Promise.allSettled(leftovers.map((name) => folder.remove(name)));
}

async function shardsNamedBy(
  folder: DurableFolder,
  slotFiles: readonly string[],
  knownShards: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Set<string>> {
  const named = new Set<string>();
  for (const slotFile of slotFiles) {
    for (const shard of knownShards.get(slotFile) ?? (await shardsOf(folder, slotFile))) named.add(shard);
  }
  return named;
}

async function shardsOf(folder: DurableFolder, slotFile: string): Promise<string[]> {
  const bytes = await folder.read(slotFile);
  if (bytes === null) return [];
  const { shards } = await decodeModelJson(bytes, slotFile);
  return shards.map(shardFileName);
}

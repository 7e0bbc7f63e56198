import type { DurableFolder } from './durable-folder.js';
import { isShardFile, isTemporaryFile, shardFileName, slotOfFile } from './file-names.js';
import type { FolderEntry } from './file-system.js';
import { decodeModelJson } from './model-json.js';

export interface LeftoversOptions {
  /** What there is in the folder. @default it is listed */
  readonly entries?: readonly FolderEntry[];
  /** The shards that the slot files name which were just written. They need not be read. */
  readonly known?: ReadonlyMap<string, ReadonlySet<string>>;
  /** @default every shard */
  readonly isCandidate?: (shardFile: string) => boolean;
}

/**
 * Removes temporary files, and shards that no slot names. A shard may be needed until the slots that name others
 * are known to be on the disk: the caller has flushed the folder, or narrows `isCandidate` down to new ones.
 *
 * Never fails: whatever is left, the next save tries again.
 */
export async function removeLeftovers(
  folder: DurableFolder,
  { entries: listed, known = new Map(), isCandidate = () => true }: LeftoversOptions = {},
): Promise<void> {
  const entries = listed ?? (await folder.entries().catch(() => []));
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const shards = files.filter((name) => isShardFile(name) && isCandidate(name));
  const slotFiles = entries.map(({ name }) => name).filter((name) => slotOfFile(name) !== null);
  const named =
    shards.length === 0 ? new Set() : await shardsNamedBy(folder, slotFiles, known).catch(() => null);
  // Nobody knows what a slot file that cannot be read names.
  const unnamed = named === null ? [] : shards.filter((name) => !named.has(name));
  const leftovers = [...files.filter(isTemporaryFile), ...unnamed];
  await Promise.allSettled(leftovers.map((name) => folder.remove(name)));
}

async function shardsNamedBy(
  folder: DurableFolder,
  slotFiles: readonly string[],
  known: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Set<string>> {
  const named = new Set<string>();
  for (const slotFile of slotFiles) {
    for (const shard of known.get(slotFile) ?? (await shardsOf(folder, slotFile))) named.add(shard);
  }
  return named;
}

async function shardsOf(folder: DurableFolder, slotFile: string): Promise<string[]> {
  const bytes = await folder.read(slotFile);
  if (bytes === null) return [];
  const { shards } = await decodeModelJson(bytes, slotFile);
  return shards.map(shardFileName);
}

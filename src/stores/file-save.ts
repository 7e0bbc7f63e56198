import { EntropyCheckpointError } from '../errors.js';
import type { DurableFolder } from './durable-folder.js';
import { removeLeftovers } from './file-leftovers.js';
import { slotFileName, slotOfFile } from './file-names.js';
import { writeShards } from './file-shards.js';
import { decodeModelJson, encodeModelJson } from './model-json.js';
import { UNCHANGED } from './store-failure.js';
import type { CheckpointHead, CheckpointSource, Placement, ShardSpec, Slot } from './store.js';

const IN_PLACE = 'The new checkpoint is in place';

/**
 * Puts a checkpoint into a folder that nobody else writes to. Each step is on the disk before the next begins:
 * the shards, the slots that name them, the end of the slots that are not kept, the end of their shards.
 */
export async function saveToFolder(
  folder: DurableFolder,
  source: CheckpointSource,
  { into, keep }: Placement,
): Promise<void> {
  const written = new Set<string>();
  try {
    const shards = await folder.attempt('write the weights', UNCHANGED, async () => {
      await folder.create();
      const specs = await writeShards(folder, source, written);
      await folder.sync();
      return specs;
    });
    const head = await folder.attempt('describe the checkpoint', UNCHANGED, () => source.head());
    await writeSlots(folder, into, encode(folder, head, shards));
    await folder.attempt('remove what is not kept', `${IN_PLACE}.`, () =>
      removeSlots(folder, [...into, ...keep]),
    );
  } catch (error) {
    // A disk that is full must not fill up further. The previous shards stay: the slots may not be on the disk.
    await removeLeftovers(folder, (name) => written.has(name));
    throw error;
  }
  await removeLeftovers(folder);
}

/** Refuses what `load` would refuse, while the previous checkpoint is still there. */
function encode(folder: DurableFolder, head: CheckpointHead, written: readonly ShardSpec[]): Uint8Array {
  try {
    const modelJson = new TextEncoder().encode(encodeModelJson(head));
    const { shards } = decodeModelJson(modelJson, folder.pathOf(slotFileName('best')));
    const namesAll =
      shards.length === written.length &&
      shards.every(({ sizeBytes, sha256 }, i) => {
        return sizeBytes === written[i]?.sizeBytes && sha256 === written[i].sha256;
      });
    if (!namesAll) throw new Error('It names other shards than were written.');
    return modelJson;
  } catch (cause) {
    const message = `Refused to save to ${folder.name} what could not be loaded again: ${String(cause)} ${UNCHANGED}`;
    throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
  }
}

async function writeSlots(
  folder: DurableFolder,
  slots: readonly Slot[],
  modelJson: Uint8Array,
): Promise<void> {
  // A disk that is full shows before the first slot is replaced.
  const replacements: { file: string; temporary: string }[] = [];
  for (const file of slots.map(slotFileName)) {
    await folder.attempt(`write ${file}`, UNCHANGED, async () => {
      replacements.push({ file, temporary: await folder.writeTemporary(modelJson) });
    });
  }
  for (const [i, { file, temporary }] of replacements.entries()) {
    const advice = i === 0 ? UNCHANGED : `${IN_PLACE} in ${replacements[0]!.file}.`;
    await folder.attempt(`write ${file}`, advice, () => folder.rename(temporary, file));
  }
  const unsure = `${IN_PLACE}, but a power failure may bring back the previous one.`;
  await folder.attempt('flush it to the disk', unsure, () => folder.sync());
}

async function removeSlots(folder: DurableFolder, kept: readonly Slot[]): Promise<void> {
  const entries = await folder.entries();
  const others = entries.filter((entry) => {
    const slot = slotOfFile(entry.name);
    return entry.isFile() && slot !== null && !kept.includes(slot);
  });
  for (const { name } of others) await folder.remove(name);
  if (others.length > 0) await folder.sync();
}

import { EntropyCheckpointError } from '../../errors.js';
import { Pacer } from '../../platform/event-loop.js';
import { settleAll } from '../settle-all.js';
import type { DurableFolder } from './durable-folder.js';
import { removeLeftovers } from './file-leftovers.js';
import { slotFileName, slotOfFile } from './file-names.js';
import { writeShards, type ShardBuffers } from './file-shards.js';
import type { FolderEntry } from './file-system.js';
import { decodeModelJson, encodeModelJson } from './model-json.js';
import { UNCHANGED } from '../store-failure.js';
import type {
  CheckpointManifest,
  CheckpointSource,
  SlotUpdate,
  ShardSpec,
  CheckpointSlot,
} from '../store.js';

const IN_PLACE = 'The new checkpoint is in place';
const UNSURE = `${IN_PLACE}, but a power failure may bring back the previous one.`;

/** A slot's file, and the new one that is to take its place. */
interface Replacement {
  readonly file: string;
  readonly temporary: string;
}

/**
 * Puts a checkpoint into a folder that nobody else writes to. Each step is on the disk before the next begins:
 * the shards, the slots that name them, the end of the slots that are not kept and of their shards.
 */
export async function saveToFolder(
  folder: DurableFolder,
  source: CheckpointSource,
  { into, keep }: SlotUpdate,
  buffers: ShardBuffers,
): Promise<void> {
  const written = new Set<string>();
  try {
    const shards = await folder.attempt('write the weights', UNCHANGED, () =>
      writeShards(folder, source, buffers.take(source.sizeBytes), written),
    );
    const manifest = await folder.attempt('describe the checkpoint', UNCHANGED, () => source.manifest());
    const [replacements] = await settleAll([
      writeTemporaries(folder, into.map(slotFileName), manifest, shards),
      folder.attempt('write the weights', UNCHANGED, () => folder.sync()),
    ]);
    await replace(folder, replacements);
    const [entries] = await settleAll([
      folder.attempt('list the files', `${IN_PLACE}.`, () => folder.entries()),
      folder.attempt('flush it to the disk', UNSURE, () => folder.sync()),
    ]);
    const left = await folder.attempt('remove what is not kept', `${IN_PLACE}.`, () =>
      removeSlots(folder, entries, [...into, ...keep]),
    );
    const known = new Map(into.map((slot) => [slotFileName(slot), written]));
    await removeLeftovers(folder, { entries: left, known });
  } catch (error) {
    // A disk that is full must not fill up further. The previous shards stay: the slots may not be on the disk.
    await removeLeftovers(folder, { isCandidate: (name) => written.has(name) });
    throw error;
  }
}

/** Refuses what `load` would refuse, while the previous checkpoint is still there. */
async function encode(
  folder: DurableFolder,
  manifest: CheckpointManifest,
  written: readonly ShardSpec[],
): Promise<Uint8Array> {
  try {
    const pacer = new Pacer();
    const modelJson = new TextEncoder().encode(encodeModelJson(manifest));
    await pacer.yieldIfDue();
    const { shards } = await decodeModelJson(modelJson, folder.pathOf(slotFileName('best')));
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

/** A disk that is full shows before the first slot is replaced. */
async function writeTemporaries(
  folder: DurableFolder,
  files: readonly string[],
  manifest: CheckpointManifest,
  shards: readonly ShardSpec[],
): Promise<Replacement[]> {
  const modelJson = await encode(folder, manifest, shards);
  const replacements: Replacement[] = [];
  for (const file of files) {
    await folder.attempt(`write ${file}`, UNCHANGED, async () => {
      replacements.push({ file, temporary: await folder.writeTemporary(modelJson) });
    });
  }
  return replacements;
}

async function replace(folder: DurableFolder, replacements: readonly Replacement[]): Promise<void> {
  for (const [i, { file, temporary }] of replacements.entries()) {
    const advice = i === 0 ? UNCHANGED : `${IN_PLACE} in ${replacements[0]!.file}.`;
    await folder.attempt(`write ${file}`, advice, () => folder.rename(temporary, file));
  }
}

/** @returns the entries that are left. */
async function removeSlots(
  folder: DurableFolder,
  entries: readonly FolderEntry[],
  kept: readonly CheckpointSlot[],
): Promise<FolderEntry[]> {
  const others = entries.filter((entry) => {
    const slot = slotOfFile(entry.name);
    return entry.isFile() && slot !== null && !kept.includes(slot);
  });
  for (const { name } of others) await folder.remove(name);
  if (others.length > 0) await folder.sync();
  return entries.filter((entry) => !others.includes(entry));
}

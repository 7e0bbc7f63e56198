import { EntropyCheckpointError } from '../../errors.js';
import { Pacer } from '../../platform/event-loop.js';
import { notLoadable } from '../check-manifest.js';
import { settleAll } from '../settle-all.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName, slotFileName } from '../file-names.js';
import { writeShards, type ShardBuffers } from './file-shards.js';
import type { KnownFiles } from './known-files.js';
import { decodeModelJson, encodeModelJson } from '../model-json.js';
import { UNCHANGED } from '../store-failure.js';
import type {
  CheckpointManifest,
  CheckpointSource,
  SlotUpdate,
  ShardSpec,
  CheckpointSlot,
} from '../store.js';

const STORED = 'The new checkpoint is stored';
const MAYBE_STORED = `${STORED}, but a power failure may bring back the previous one.`;

/** The file of a slot, and the temporary file that will replace it. */
interface Replacement {
  readonly file: string;
  readonly temporary: string;
}

/**
 * Saves a checkpoint to a folder that the caller has locked. Each step is on the disk before the next starts: writing
 * the shards, replacing the slot files that name them, removing the slots that aren't kept, removing unnamed shards.
 *
 * @returns the slots that an earlier save filled, and that someone has removed since.
 */
export async function saveToFolder(
  folder: DurableFolder,
  source: CheckpointSource,
  { into, keep }: SlotUpdate,
  buffers: ShardBuffers,
  known: KnownFiles,
): Promise<CheckpointSlot[]> {
  const written = new Set<string>();
  try {
    const lost = known.takeLostSlots(
      await folder.attempt('list the files', UNCHANGED, () => folder.entries()),
    );
    await known.refuseForeign(into);
    const shards = await folder.attempt('write the weights', UNCHANGED, () =>
      writeShards(folder, source, {
        buffers: buffers.take(source.sizeBytes),
        written,
        holds: (shard) => known.holds(shard),
      }),
    );
    const manifest = await folder.attempt('describe the checkpoint', UNCHANGED, () => source.manifest());
    const [replacements] = await settleAll([
      writeTemporaries(folder, into.map(slotFileName), manifest, shards),
      folder.attempt('write the weights', UNCHANGED, () => folder.sync()),
    ]);
    await replace(folder, replacements, new Set(shards.map(shardFileName)), known);
    const [entries] = await settleAll([
      folder.attempt('list the files', `${STORED}.`, () => folder.entries()),
      folder.attempt('flush the new checkpoint to the disk', MAYBE_STORED, () => folder.sync()),
    ]);
    const kept = [...into, ...keep];
    lost.push(...known.takeLostSlots(entries));
    const removed = into.find((slot) => !known.isStored(slot));
    if (removed !== undefined) throw removedAgain(folder, slotFileName(removed));
    await folder.attempt('remove the other slots', `${STORED}.`, async () => {
      if (await known.removeSlots(entries, kept)) await folder.sync();
    });
    known.setShared((await source.sharedShards?.()) ?? []);
    await known.removeLeftovers(entries);
    return lost;
  } catch (error) {
    // Frees space on a full disk. The previous shards stay, as the new slot files may not be on the disk yet.
    await known.removeLeftovers(null, (name) => written.has(name));
    throw error;
  }
}

function removedAgain(folder: DurableFolder, slotFile: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_STORE_FAILED',
    `Remove nothing from ${folder.name} while a training writes there: expected ${slotFile} and its weights, which were ` +
      'just written, and some of it is gone.',
  );
}

/** Encodes `model.json`. Refuses what `load` would refuse, while the previous checkpoint still exists. */
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
    const namesWritten =
      shards.length === written.length &&
      shards.every(({ sizeBytes, sha256 }, i) => {
        return sizeBytes === written[i]?.sizeBytes && sha256 === written[i].sha256;
      });
    if (!namesWritten)
      throw new Error('Expected the manifest to name the shards that were written, got others.');
    return modelJson;
  } catch (cause) {
    throw notLoadable(folder.name, cause);
  }
}

/** Writes all new slot files under temporary names, so that a full disk is noticed before a slot is replaced. */
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

async function replace(
  folder: DurableFolder,
  replacements: readonly Replacement[],
  shards: ReadonlySet<string>,
  known: KnownFiles,
): Promise<void> {
  for (const [i, { file, temporary }] of replacements.entries()) {
    const advice = i === 0 ? UNCHANGED : `${STORED} in ${replacements[0]!.file}.`;
    await folder.attempt(`write ${file}`, advice, () => known.replace(file, temporary, shards));
  }
}

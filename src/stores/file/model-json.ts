import { Pacer } from '../../platform/event-loop.js';
import { shardFileName } from './file-names.js';
import { damaged, checkManifest } from '../check-manifest.js';
import type { CheckpointManifest, Json } from '../store.js';

/** The text of `model.json`, in the standard tfjs layers-model format. */
export function encodeModelJson(manifest: CheckpointManifest): string {
  return JSON.stringify({
    modelTopology: manifest.modelTopology,
    format: 'layers-model',
    generatedBy: manifest.generatedBy,
    convertedBy: null,
    weightsManifest: [{ paths: manifest.shards.map(shardFileName), weights: manifest.weightSpecs }],
    userDefinedMetadata: manifest.metadata,
  });
}

/**
 * The contents of a `model.json` that `encodeModelJson` wrote; every byte is accounted for. In steps between which
 * the event loop comes round: that of a thousand layers has a million bytes.
 *
 * @param path for messages.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT` for JSON of another origin;
 *   `ENTROPY_CORRUPT_CHECKPOINT`.
 */
export async function decodeModelJson(bytes: Uint8Array, path: string): Promise<CheckpointManifest> {
  const pacer = new Pacer();
  const name = `"${path}"`;
  const root = parseObject(bytes);
  if (root === null) throw damaged(name, 'expected a JSON object');
  await pacer.yieldIfDue();
  const { modelTopology, weightsManifest, generatedBy, userDefinedMetadata: metadata } = root;
  const group = Array.isArray(weightsManifest) ? weightsManifest[0] : undefined;
  const weightSpecs = isObject(group) ? group['weights'] : undefined;
  const manifest = checkManifest({ modelTopology, weightSpecs, generatedBy, metadata }, name);
  await pacer.yieldIfDue();
  // Finds what a JSON parser lets pass: space, a changed key, an escape, a second key of the same name. And
  // whatever paths there are, they are those of the shards.
  if (!isEncodingOf(manifest, bytes)) throw damaged(name, 'its text is not what this package wrote');
  return manifest;
}

/** Whether the bytes are JSON of another origin, and no damaged checkpoint either: something of the user's own. */
export function isForeignModelJson(bytes: Uint8Array): boolean {
  const root = parseObject(bytes);
  if (root === null) return false;
  const metadata = root['userDefinedMetadata'];
  return !isObject(metadata) || !Object.hasOwn(metadata, 'entropyCheckpoint');
}

function isEncodingOf(manifest: CheckpointManifest, bytes: Uint8Array): boolean {
  try {
    // Bytes, not text: a byte that is not UTF-8 reads as U+FFFD.
    return Buffer.from(encodeModelJson(manifest)).equals(bytes);
  } catch {
    // Some numbers are longer as they would be written: the text may exceed what a string can hold.
    return false;
  }
}

/** Null when the bytes are not JSON or not an object. */
function parseObject(bytes: Uint8Array): Record<string, Json> | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Json;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

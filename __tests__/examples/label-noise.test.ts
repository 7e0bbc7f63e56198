import { describe, expect, it } from '@jest/globals';
import { NOISE_TYPES, withLabelNoise } from '../../examples/noisy-mnist/label-noise.js';

const CLEAN = Uint8Array.from({ length: 1001 }, (_, index) => (index * 7) % 10);

function noisyLabels(type: 'symmetric' | 'pair', rate: number, seed = 1): Uint8Array {
  return withLabelNoise(CLEAN, { type, rate, numClasses: 10, seed });
}

/** By how many classes, counted in a circle, each changed label has moved. */
function steps(noisy: Uint8Array): number[] {
  return Array.from(noisy, (label, index) => (label - (CLEAN[index] ?? 0) + 10) % 10).filter(
    (step) => step !== 0,
  );
}

describe.each(NOISE_TYPES)('%s label noise', (type) => {
  it.each([0, 0.1, 0.4, 0.4996, 0.5, 0.999])(
    'changes exactly round(rate × length) labels at rate %d',
    (rate) => {
      expect(steps(noisyLabels(type, rate))).toHaveLength(Math.round(rate * CLEAN.length));
    },
  );

  it('does not change the clean labels', () => {
    const before = CLEAN.slice();
    noisyLabels(type, 0.4);
    expect(CLEAN).toEqual(before);
  });

  it('gives the same labels only for the same seed', () => {
    expect(noisyLabels(type, 0.4)).toEqual(noisyLabels(type, 0.4));
    expect(noisyLabels(type, 0.4)).not.toEqual(noisyLabels(type, 0.4, 2));
  });

  it('gives no label beyond the last class', () => {
    expect(Math.max(...noisyLabels(type, 0.999))).toBe(9);
  });
});

it('symmetric noise moves labels to every other class about equally often', () => {
  const clean = new Uint8Array(9000).fill(3);
  const noisy = withLabelNoise(clean, { type: 'symmetric', rate: 1, numClasses: 10, seed: 1 });
  const counts = Array.from({ length: 10 }, (_, label) => noisy.filter((value) => value === label).length);
  expect(counts[3]).toBe(0);
  // 1,000 are expected of each; the bound is five standard deviations.
  for (const count of counts.toSpliced(3, 1)) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('pair noise moves labels to the next class, and from the last to the first', () => {
  expect(new Set(steps(noisyLabels('pair', 0.4)))).toEqual(new Set([1]));
  const last = withLabelNoise(Uint8Array.of(9), { type: 'pair', rate: 1, numClasses: 10, seed: 1 });
  expect(last).toEqual(Uint8Array.of(0));
});

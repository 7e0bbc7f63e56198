import { describe, expect, it } from '@jest/globals';
import { accuracy, maxDifference } from '../../examples/noisy-mnist/predictions.js';

describe('accuracy', () => {
  it('counts the images whose most probable class is their label', () => {
    const probabilities = new Float32Array(30);
    probabilities.set([0.9], 3);
    probabilities.set([0.9], 10 + 4);
    probabilities.set([0.4, 0.6], 20 + 8);
    expect(accuracy(probabilities, Uint8Array.of(3, 5, 9))).toBeCloseTo(2 / 3, 12);
  });
});

describe('maxDifference', () => {
  it('is 0 only for equal probabilities', () => {
    expect(maxDifference(Float32Array.of(0.25, 0.75), Float32Array.of(0.25, 0.75))).toBe(0);
    expect(maxDifference(Float32Array.of(0.25, 0.75), Float32Array.of(0.5, 0.625))).toBe(0.25);
  });

  it('is NaN if a probability is NaN', () => {
    expect(maxDifference(Float32Array.of(NaN, 0.5), Float32Array.of(0.5, 0.5))).toBeNaN();
  });

  it('refuses lists of different lengths', () => {
    expect(() => maxDifference(Float32Array.of(1), Float32Array.of(1, 0))).toThrow(
      'Expected 1 probabilities, got 2',
    );
  });
});

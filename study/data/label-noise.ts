import seedrandom from 'seedrandom';
import { NOISE_NAMES, withLabelNoise } from '../../examples/noisy-mnist/label-noise.js';
import type { Samples, Task } from './samples.js';

export const NOISES = [...NOISE_NAMES, 'instance-30'] as const;
export type NoiseName = (typeof NOISES)[number];

/** A copy of the task with noisy training and validation labels. The test labels stay clean. */
export function withNoise(task: Task, noise: NoiseName, seed: number): Task {
  const { train, validation, numClasses } = task;
  const rate = noise === 'none' ? 0 : Number(noise.split('-')[1]) / 100;
  const noisy = (samples: Samples, part: number): Samples => {
    const { inputs, labels } = samples;
    if (noise === 'instance-30') {
      return { inputs, labels: withInstanceNoise(samples, numClasses, rate, `${seed}`, `${seed} ${part}`) };
    }
    const type = noise.startsWith('pair') ? 'pair' : 'symmetric';
    return { inputs, labels: withLabelNoise(labels, { type, rate, numClasses, seed: 2 * seed + part }) };
  };
  return { ...task, train: noisy(train, 0), validation: noisy(validation, 1) };
}

/**
 * A copy of the labels with instance-dependent noise. Each row has its own noise rate, drawn from a normal distribution
 * around `rate` with a deviation of 0.1. The wrong class depends on the inputs, by a random projection for each true
 * class.
 *
 * @param seed of the projections, which training and validation share.
 * @param rowSeed of the draws for each row.
 * @see Xia et al., Part-dependent Label Noise, NeurIPS 2020, algorithm 2 (arXiv 2006.07836)
 */
function withInstanceNoise(
  { inputs, labels }: Samples,
  numClasses: number,
  rate: number,
  seed: string,
  rowSeed: string,
): Uint8Array {
  const width = inputs.length / labels.length;
  const projections = normals(numClasses * width * numClasses, seedrandom(`projections ${seed}`));
  const random = seedrandom(`rows ${rowSeed}`);
  const rowRates = normals(labels.length, random).map((value) =>
    Math.min(1, Math.max(0, rate + 0.1 * value)),
  );
  return labels.map((label, row) => {
    const isFlipped = random() < rowRates[row]!;
    const weights = Float64Array.from({ length: numClasses }, (_, other) => {
      const start = (label * numClasses + other) * width;
      let sum = 0;
      for (let i = 0; i < width; i++) sum += inputs[row * width + i]! * projections[start + i]!;
      return other === label ? -Infinity : sum;
    });
    const drawn = drawSoftmax(weights, random());
    return isFlipped ? drawn : label;
  });
}

function drawSoftmax(logits: Float64Array, uniform: number): number {
  const largest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  let rest = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  let last = 0;
  for (const [index, weight] of weights.entries()) {
    if (weight === 0) continue;
    last = index;
    rest -= weight;
    if (rest < 0) break;
  }
  return last;
}

/** Standard normal numbers, by the Box–Muller transform. */
function normals(count: number, random: () => number): Float64Array {
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

/** Rows of inputs, one after the other, and the class of each. */
export interface Samples {
  readonly inputs: Float32Array;
  /** 0…`numClasses` − 1. */
  readonly labels: Uint8Array;
}

/** A classification task, split once and for all. */
export interface Task {
  /** Of one row. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** Noise is put into the labels of both. */
  readonly train: Samples;
  readonly validation: Samples;
  /** Clean, and seen by no rule. */
  readonly test: Samples;
}

/** How many rows each part has. */
export interface Sizes {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** What a network takes: numbers without order, an image, or a sequence of one-hot symbols. */
export type Form = 'vector' | 'image' | 'sequence';

/** Cuts rows, which must be in random order, into the three parts. */
export function splitRows(
  { inputs, labels }: Samples,
  sizes: Sizes,
): Pick<Task, 'train' | 'validation' | 'test'> {
  const wanted = sizes.train + sizes.validation + sizes.test;
  if (labels.length < wanted) throw new RangeError(`Expected ${wanted} rows, got ${labels.length}.`);
  const width = inputs.length / labels.length;
  const cut = (start: number, count: number): Samples => ({
    inputs: inputs.slice(start * width, (start + count) * width),
    labels: labels.slice(start, start + count),
  });
  return {
    train: cut(0, sizes.train),
    validation: cut(sizes.train, sizes.validation),
    test: cut(sizes.train + sizes.validation, sizes.test),
  };
}

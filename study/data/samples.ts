/** Concatenated input rows, and the class of each. */
export interface Samples {
  readonly inputs: Float32Array;
  /** 0…`numClasses` − 1. */
  readonly labels: Uint8Array;
}

/** A classification task, split into training, validation and test rows. */
export interface Task {
  /** Shape of one row. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** Training and validation labels are noisy. */
  readonly train: Samples;
  readonly validation: Samples;
  /** Labels are clean. No rule sees them. */
  readonly test: Samples;
}

/** The number of rows in each part. */
export interface Sizes {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** The inputs of a network: unordered numbers, an image, or a sequence of one-hot symbols. */
export type InputForm = 'vector' | 'image' | 'sequence';

/** Splits rows into the three parts. They must be in random order. */
export function splitRows(
  { inputs, labels }: Samples,
  sizes: Sizes,
): Pick<Task, 'train' | 'validation' | 'test'> {
  const required = sizes.train + sizes.validation + sizes.test;
  if (labels.length < required)
    throw new RangeError(`Expected at least ${required} rows, got ${labels.length}.`);
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

/** Copies rows. */
export function pickRows({ inputs, labels }: Samples, rows: Uint32Array): Samples {
  const width = inputs.length / labels.length;
  const picked = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries())
    picked.set(inputs.subarray(row * width, (row + 1) * width), i * width);
  return { inputs: picked, labels: Uint8Array.from(rows, (row) => labels[row]!) };
}

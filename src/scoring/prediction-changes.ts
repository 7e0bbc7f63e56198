import * as tf from '@tensorflow/tfjs';
import { shareBuffer } from '../state/share-buffer.js';
import { joinBatches } from './consensus-kernels.js';
import {
  OutputChanges,
  type ComparisonOptions,
  type DetachedOutput,
  type ReferencePart,
} from './output-changes.js';
import type { DetachedMean } from './running-mean.js';

/** The counts of an ended epoch, still on the device. The caller owns them. */
export interface DetachedChanges {
  /** The share of rows that have changed, averaged over the outputs; null if there was nothing to compare with. */
  readonly mean: Pick<DetachedMean, 'parts'> | null;
  /**
   * How much the predictions depend on the row, averaged over the outputs: float32 `[1]`. null without rows, undefined
   * if it isn't counted.
   */
  readonly information: tf.Tensor1D | null | undefined;
}

/** The size of an output, by which a stored monitor state is split among several outputs. */
export interface OutputSize {
  readonly rowsPerExample: number;
  readonly numClasses: number;
}

/** Where the part of an output begins in the monitor state, and its size. */
type Layout = ReadonlyMap<number, Omit<ReferencePart, 'reference'>>;

/**
 * Counts on the device how much the validation predictions change from epoch to epoch. Nothing is read back.
 *
 * Rows are identified by their order, which must be the same in every epoch. Of each output, it remembers at most
 * `maxRows` rows: the predicted class (`'previous'`, int32) or the averaged probabilities (`'consensus'`, float32 for
 * each class). While an epoch runs it takes twice that memory.
 */
export class PredictionChanges {
  readonly #options: ComparisonOptions;
  readonly #maxRows: number;
  readonly #outputs = new Map<number, OutputChanges>();
  /** The monitor state: what this epoch is compared with, flat, output by output; null for nothing. */
  #reference: tf.Tensor1D | null = null;
  /** null: not known yet, because the reference was restored. */
  #layout: Layout | null = new Map();
  #sizes: ReadonlyMap<number, OutputSize> = new Map();

  constructor(options: ComparisonOptions, maxRows: number) {
    this.#options = options;
    this.#maxRows = maxRows;
  }

  /** What the next epoch is compared with; null for nothing. This object owns it. */
  get monitorState(): tf.Tensor1D | null {
    return this.#reference;
  }

  /** Says which outputs will be appended, by their index. Without that, there's one. */
  expect(sizes: ReadonlyMap<number, OutputSize>): void {
    this.#sizes = new Map([...sizes].sort(([a], [b]) => a - b));
  }

  /**
   * Compares one batch with the same rows of earlier epochs.
   *
   * @param predictions `[..., numClasses]`; a single class is the positive class of two. The caller keeps it.
   * @param output the index of the output in the model.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS` for other classes than in the rows before.
   */
  append(predictions: tf.Tensor, fromLogits: boolean, output = 0): void {
    const changes = this.#outputs.get(output) ?? new OutputChanges(this.#options, this.#maxRows);
    this.#outputs.set(output, changes);
    changes.append(predictions, fromLogits, this.#partOf(output));
  }

  /** Discards the rows of this epoch. */
  reset(): void {
    for (const changes of this.#outputs.values()) changes.reset();
  }

  /** Ends the epoch and begins the next, which is compared with it. */
  detach(): DetachedChanges {
    // In the order of the outputs, also in a resumed training.
    const outputs = [...this.#outputs].sort(([a], [b]) => a - b).filter(([, { rows }]) => rows > 0);
    // An epoch without validation is skipped: the next one is compared with the same reference.
    if (outputs.length === 0) return withoutRows(this.#options);
    const detached = outputs.map(([output, changes]) => changes.detach(this.#partOf(output)));
    try {
      return { mean: averageMean(detached), information: averageInformation(detached) };
    } finally {
      this.#setReference(outputs.map(([output], i) => [output, detached[i]!.batches]));
    }
  }

  /** Sets what the next epoch is compared with. @param monitorState from a stored training; the caller keeps it. */
  restore(monitorState: tf.Tensor): void {
    this.reset();
    this.#reference?.dispose();
    this.#reference = tf.tidy(() => shareBuffer(tf.reshape<tf.Rank.R1>(monitorState, [monitorState.size])));
    this.#layout = null;
  }

  dispose(): void {
    this.reset();
    this.#reference?.dispose();
    this.#reference = null;
  }

  #partOf(output: number): ReferencePart | null {
    const reference = this.#reference;
    if (reference === null) return null;
    this.#layout ??= this.#layoutOf(reference.size, output);
    const part = this.#layout.get(output);
    return part === undefined ? null : { reference, ...part };
  }

  #setReference(batchesOf: readonly [output: number, batches: readonly tf.Tensor1D[]][]): void {
    this.#reference?.dispose();
    const all = batchesOf.flatMap(([, batches]) => batches);
    this.#reference = tf.keep(tf.tidy(() => joinBatches(all)));
    tf.dispose(all);
    this.#layout = layoutBySize(
      batchesOf.map(([output, batches]) => [output, batches.reduce((sum, { size }) => sum + size, 0)]),
    );
  }

  /** How a restored reference is split. Empty if it isn't that of these outputs: then there's nothing to compare with. */
  #layoutOf(size: number, output: number): Layout {
    const sizes = [...this.#sizes];
    if (sizes.length < 2) return layoutBySize([[output, size]]);
    const perRow = ({ numClasses }: OutputSize): number =>
      this.#options.comparesWith === 'previous' ? 1 : Math.max(2, numClasses);
    const sizesFor = (examples: number): [number, number][] =>
      sizes.map(([index, one]) => [
        index,
        Math.min(examples * one.rowsPerExample, this.#maxRows) * perRow(one),
      ]);
    const examples = smallest(size, (count) => total(sizesFor(count)) >= size);
    return total(sizesFor(examples)) === size ? layoutBySize(sizesFor(examples)) : new Map();
  }
}

function withoutRows({ comparesWith }: ComparisonOptions): DetachedChanges {
  return { mean: null, information: comparesWith === 'consensus' ? null : undefined };
}

/** null if an output has nothing to compare with. Disposes the means of the outputs. */
function averageMean(outputs: readonly DetachedOutput[]): DetachedChanges['mean'] {
  const parts = outputs.flatMap(({ mean }) => mean?.parts ?? []);
  if (parts.length === outputs.length) return { parts: average(parts, (all) => tf.concat1d(all)) };
  tf.dispose(parts);
  return null;
}

/** Disposes the values of the outputs. */
function averageInformation(outputs: readonly DetachedOutput[]): DetachedChanges['information'] {
  const [first] = outputs;
  if (outputs.length === 1) return first!.information;
  const values = outputs.flatMap(({ information }) => information ?? []);
  if (values.length === outputs.length) return average(values, (all) => tf.addN(all));
  tf.dispose(values);
  return first!.information === undefined ? undefined : null;
}

/** Disposes `values`. @returns kept; the only value itself. */
function average(values: readonly tf.Tensor1D[], sum: (values: tf.Tensor1D[]) => tf.Tensor1D): tf.Tensor1D {
  if (values.length === 1) return values[0]!;
  const result = tf.keep(tf.tidy(() => tf.div<tf.Tensor1D>(sum([...values]), values.length)));
  tf.dispose([...values]);
  return result;
}

function layoutBySize(sizes: readonly (readonly [output: number, size: number])[]): Layout {
  let start = 0;
  return new Map(
    sizes.map(([output, size]) => {
      const part = { start, size };
      start += size;
      return [output, part];
    }),
  );
}

function total(sizes: readonly (readonly [output: number, size: number])[]): number {
  return sizes.reduce((sum, [, size]) => sum + size, 0);
}

/** The smallest number from 1 up to `limit` for which `isEnough`, which stays true above it; else `limit`. */
function smallest(limit: number, isEnough: (count: number) => boolean): number {
  let [low, high] = [1, limit];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

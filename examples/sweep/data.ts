import seedrandom from 'seedrandom';
import { loadDataset, type DatasetName } from '../noisy-mnist/dataset.js';
import { NUM_CLASSES, NUM_PIXELS } from '../noisy-mnist/image-pool.js';
import { withLabelNoise, type NoiseName, type NoiseType } from '../noisy-mnist/label-noise.js';
import type { TrainingSettings } from './settings.js';

/** Rows with their class. */
export interface Rows {
  /** `labels.length` rows of `numFeatures` values, one after the other. */
  readonly inputs: Float32Array;
  /** Class indices. */
  readonly labels: Uint8Array;
}

/** What a training works on. */
export interface SweepData {
  readonly numFeatures: number;
  readonly numClasses: number;
  readonly train: Rows;
  readonly validation: Rows;
  /** With clean labels. */
  readonly test: Rows;
}

const TEST_ROWS = 1000;
const BLOB_CLASSES = 4;
const BLOB_FEATURES = 8;
/** The standard deviation of a blob. The centres are within a cube of length 2. */
const BLOB_SPREAD = 0.6;

/** Draws the data of a training. The same settings give the same data on every machine. */
export function loadData(settings: Pick<TrainingSettings, 'data' | 'noise' | 'seed' | 'rows'>): SweepData {
  const { data, noise, seed, rows } = settings;
  const validationRows = Math.ceil(rows / 3);
  const numRows = rows + validationRows;
  const { clean, test, ...sizes } = data === 'blobs' ? blobs(numRows, seed) : images(data, numRows, seed);
  const labels = noisyLabels(clean.labels, noise, sizes.numClasses, seed);
  const part = (from: number, to: number): Rows => ({
    inputs: clean.inputs.subarray(from * sizes.numFeatures, to * sizes.numFeatures),
    labels: labels.subarray(from, to),
  });
  return { ...sizes, train: part(0, rows), validation: part(rows, numRows), test };
}

type CleanData = Pick<SweepData, 'numFeatures' | 'numClasses' | 'test'> & { readonly clean: Rows };

function images(name: DatasetName, trainSamples: number, seed: number): CleanData {
  const { train, test } = loadDataset({ name, trainSamples, testSamples: TEST_ROWS, seed });
  const rowsOf = ({ images: inputs, labels }: typeof train): Rows => ({ inputs, labels });
  return { numFeatures: NUM_PIXELS, numClasses: NUM_CLASSES, clean: rowsOf(train), test: rowsOf(test) };
}

/** Made-up data that need no file: points around a centre for each class. */
function blobs(numRows: number, seed: number): CleanData {
  const random = seedrandom(`blobs ${seed}`);
  const centres = Float32Array.from({ length: BLOB_CLASSES * BLOB_FEATURES }, () => 2 * random() - 1);
  const draw = (count: number): Rows => {
    const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * BLOB_CLASSES));
    const inputs = Float32Array.from({ length: count * BLOB_FEATURES }, (_, i) => {
      const label = labels[Math.floor(i / BLOB_FEATURES)]!;
      return centres[label * BLOB_FEATURES + (i % BLOB_FEATURES)]! + BLOB_SPREAD * bell(random);
    });
    return { inputs, labels };
  };
  const clean = draw(numRows);
  return { numFeatures: BLOB_FEATURES, numClasses: BLOB_CLASSES, clean, test: draw(TEST_ROWS) };
}

/** Nearly a standard normal number, without functions that machines compute differently. */
function bell(random: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

function noisyLabels(labels: Uint8Array, noise: NoiseName, numClasses: number, seed: number): Uint8Array {
  if (noise === 'none') return labels;
  const [type, percent] = noise.split('-') as [NoiseType, string];
  return withLabelNoise(labels, { type, rate: Number(percent) / 100, numClasses, seed });
}

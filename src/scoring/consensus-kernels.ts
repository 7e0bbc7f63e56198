import * as tf from '@tensorflow/tfjs';
import { topKEntropyRows } from '../entropy/row-entropy.js';
import { runTopKEntropy } from '../entropy/run-kernels.js';
import {
  cpuMemory,
  ifSmallOnCpu,
  tensorflowMemory,
  wasmMemory,
  type BackendMemory,
  type TensorFlowStorage,
} from '../platform/backend-memory.js';
import { isRegistered, registerKernels } from '../tfjs-internals.js';

/** The names under which the kernels are registered with tfjs. They end in the version of their contract. */
const ADD_TO_CONSENSUS = 'EntropyCheckpointAddToConsensus1';
const JOIN = 'EntropyCheckpointJoin1';

interface ConsensusInputs extends tf.NamedTensorInfoMap {
  /** float32 `[rows, numClasses]`. */
  probabilities: tf.TensorInfo;
  /** float32, flat: the consensus of earlier epochs, also of other rows. Absent if there's none. */
  reference?: tf.TensorInfo;
  /** float32 `[numClasses + 1]`. Absent for the first batch of an epoch. */
  means?: tf.TensorInfo;
}

/** `ConsensusInputs` as tensors. */
type ConsensusTensors = tf.NamedTensorMap & {
  readonly probabilities: tf.Tensor2D;
  readonly reference?: tf.Tensor1D;
  readonly means?: tf.Tensor1D;
};

interface ConsensusAttrs extends tf.NamedAttrMap {
  /** Where the rows begin in `reference`. */
  start: number;
  /** The weight of `reference`. */
  decay: number;
  /** The weight of this batch in `means`: its rows / all rows so far; 1 for the first batch. */
  share: number;
}

/** The result of a batch. The caller disposes the tensors. */
export interface ConsensusStep {
  /** float32, flat: the consensus with this epoch. */
  readonly consensus: tf.Tensor1D;
  /** float32 `[numClasses + 1]`: the mean probabilities of the epoch so far, then the mean entropy of its rows. */
  readonly means: tf.Tensor1D;
  /** float32 `[rows]`: 1 where the predicted class isn't that of the consensus before; null if there was none. */
  readonly changed: tf.Tensor1D | null;
}

/**
 * Adds a batch of an epoch to the consensus of the epochs before.
 *
 * One kernel where JavaScript can read the backend's memory, and operations of TensorFlow.js elsewhere.
 *
 * @param inputs see `ConsensusInputs`; the caller keeps them.
 */
export function addToConsensus(inputs: ConsensusTensors, attrs: ConsensusAttrs): ConsensusStep {
  const [consensus, means, changed = null] = isRegistered(ADD_TO_CONSENSUS, tf.getBackend())
    ? tf.engine().runKernel<tf.Tensor1D[]>(ADD_TO_CONSENSUS, inputs, attrs)
    : composedConsensus(inputs, attrs);
  return { consensus: consensus!, means: means!, changed };
}

/** `addToConsensus` by operations of TensorFlow.js. */
export function composedConsensus(
  { probabilities, reference, means }: ConsensusTensors,
  { start, decay, share }: ConsensusAttrs,
): tf.Tensor1D[] {
  return tf.tidy((): tf.Tensor1D[] => {
    const batch = tf.concat1d([tf.mean(probabilities, 0), meanEntropy(probabilities)]);
    // A mean: a sum would overflow on a half-precision device.
    const next =
      means === undefined ? batch : tf.add<tf.Tensor1D>(means, tf.mul(tf.sub(batch, means), share));
    if (reference === undefined) return [flat(probabilities), next];
    const before = tf.reshape(tf.slice1d(reference, start, probabilities.size), probabilities.shape);
    const consensus = tf.add(tf.mul(before, decay), tf.mul(probabilities, 1 - decay));
    const isOther = tf.notEqual(tf.argMax(probabilities, -1), tf.argMax(before, -1));
    // No cast: on webgpu that would leave integers in the buffer.
    return [flat(consensus), next, tf.where<tf.Tensor1D>(isOther, 1, 0)];
  });
}

const flat = (values: tf.Tensor): tf.Tensor1D => tf.reshape<tf.Rank.R1>(values, [-1]);

/** The mean entropy of rows of probabilities: float32 `[1]`, in nats. */
export function meanEntropy(probabilities: tf.Tensor2D): tf.Tensor1D {
  return tf.mean<tf.Tensor1D>(runTopKEntropy(probabilities, probabilities.shape[1], false), 0, true);
}

/**
 * Joins what the batches of an epoch are compared with.
 *
 * On tfjs-node without a GPU, the result stays in the memory of JavaScript, where each batch of the next epoch reads it. The
 * result of an operation would be copied each time.
 *
 * @param batches flat; the caller keeps them.
 * @returns the caller disposes it.
 */
export function joinBatches(batches: readonly tf.Tensor1D[]): tf.Tensor1D {
  if (batches[0]!.dtype === 'float32' && isRegistered(JOIN, tf.getBackend())) {
    return tf.engine().runKernel<tf.Tensor1D>(JOIN, Object.fromEntries(batches.entries()));
  }
  return tf.concat1d([...batches]);
}

function kernelFor<Backend>(
  backendName: string,
  { makeOutput, valuesOf }: BackendMemory<Backend>,
): tf.KernelConfig {
  const kernelFunc: tf.KernelFunc = (call) => {
    const { probabilities, reference, means } = call.inputs as ConsensusInputs;
    const { start, decay, share } = call.attrs as ConsensusAttrs;
    const backend = call.backend as Backend;
    const [numRows, numClasses] = probabilities.shape as [number, number];
    const size = numRows * numClasses;
    const consensus = makeOutput(backend, [size]);
    const nextMeans = makeOutput(backend, [numClasses + 1]);
    const changed = reference === undefined ? undefined : makeOutput(backend, [numRows]);
    const [values, before, meansBefore, added, moved, isOther] = valuesOf(
      backend,
      probabilities,
      reference,
      means,
      consensus,
      nextMeans,
      changed,
    );
    if (before === undefined || isOther === undefined) added.set(values);
    else addRows(values, before.subarray(start, start + size), decay, added, isOther);
    moveMeans(values, meansBefore ?? null, share, moved);
    return [consensus, nextMeans, ...(changed === undefined ? [] : [changed])];
  };
  return { kernelName: ADD_TO_CONSENSUS, backendName, kernelFunc };
}

/** @param consensus, changed receive the results. */
function addRows(
  values: Float32Array,
  reference: Float32Array,
  decay: number,
  consensus: Float32Array,
  changed: Float32Array,
): void {
  const numClasses = values.length / changed.length;
  const ownShare = 1 - decay;
  for (let row = 0; row < changed.length; row++) {
    const start = row * numClasses;
    let predicted = start;
    let expected = start;
    let largest = -Infinity;
    let largestBefore = -Infinity;
    for (let i = start; i < start + numClasses; i++) {
      const value = values[i]!;
      const before = reference[i]!;
      consensus[i] = before * decay + value * ownShare;
      if (value > largest) {
        largest = value;
        predicted = i;
      }
      if (before > largestBefore) {
        largestBefore = before;
        expected = i;
      }
    }
    changed[row] = predicted === expected ? 0 : 1;
  }
}

/** @param moved receives the result. */
function moveMeans(
  values: Float32Array,
  means: Float32Array | null,
  share: number,
  moved: Float32Array,
): void {
  const numClasses = moved.length - 1;
  const numRows = values.length / numClasses;
  const sums = new Float64Array(numClasses + 1);
  for (let start = 0; start < values.length; start += numClasses) {
    for (let i = 0; i < numClasses; i++) sums[i]! += values[start + i]!;
  }
  const entropies = new Float32Array(numRows);
  topKEntropyRows(values, numClasses, numClasses, false, entropies);
  for (const entropy of entropies) sums[numClasses]! += entropy;
  for (let i = 0; i <= numClasses; i++) {
    const mean = sums[i]! / numRows;
    moved[i] = means === null ? mean : means[i]! + (mean - means[i]!) * share;
  }
}

/** Above this size TensorFlow's operations are faster, as each uses all cores. */
const MAX_VALUES_IN_JAVASCRIPT = 2 ** 17;

const composedKernel: tf.KernelFunc = ({ inputs, attrs }) =>
  composedConsensus(inputs as ConsensusTensors, attrs as ConsensusAttrs);

const joinInJavaScript: tf.KernelFunc = ({ inputs, backend }) => {
  const batches = Object.values(inputs).filter((input) => input !== undefined);
  const memory = backend as TensorFlowStorage;
  if (memory.isUsingGpuDevice) return tf.concat1d(batches as tf.Tensor1D[]);
  const size = batches.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const joined = tensorflowMemory.makeOutput(memory, [size]);
  const [all] = tensorflowMemory.valuesOf(memory, joined);
  let start = 0;
  for (const batch of batches) {
    const [values] = tensorflowMemory.valuesOf(memory, batch);
    all.set(values, start);
    start += values.length;
  }
  return joined;
};

// Importing this module registers the kernels.
registerKernels([
  kernelFor('cpu', cpuMemory),
  kernelFor('wasm', wasmMemory),
  ifSmallOnCpu(kernelFor('tensorflow', tensorflowMemory), MAX_VALUES_IN_JAVASCRIPT, composedKernel),
  { kernelName: JOIN, backendName: 'tensorflow', kernelFunc: joinInJavaScript },
]);

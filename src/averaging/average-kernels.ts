import * as tf from '@tensorflow/tfjs';
import {
  cpuMemory,
  ifSmallOnCpu,
  tensorflowMemory,
  wasmMemory,
  type BackendMemory,
} from '../platform/backend-memory.js';
import { isRegistered, registerKernels } from '../tfjs-internals.js';

/** The name under which the kernels are registered with tfjs. It ends in the version of their contract. */
export const MOVE_TOWARDS = 'EntropyCheckpointMoveTowards1';

interface MoveTowardsInputs extends tf.NamedTensorInfoMap {
  average: tf.TensorInfo;
  weight: tf.TensorInfo;
}

interface MoveTowardsAttrs extends tf.NamedAttrMap {
  share: number;
}

/**
 * Moves an average by `share` towards a weight: `average + (weight − average)·share`.
 *
 * One pass where JavaScript can read the backend's memory, and three operations of TensorFlow.js elsewhere. On tfjs-node,
 * the pass is for weights so small that calling an operation takes longer than the operation itself.
 *
 * @param average float32; the caller keeps it.
 * @param weight float32 of the same shape; the caller keeps it.
 * @returns the caller disposes it.
 */
export function moveTowards(average: tf.Tensor, weight: tf.Tensor, share: number): tf.Tensor {
  if (isRegistered(MOVE_TOWARDS, tf.getBackend())) {
    return tf.engine().runKernel<tf.Tensor>(MOVE_TOWARDS, { average, weight }, { share });
  }
  return composedMove(average, weight, share);
}

function composedMove(average: tf.Tensor, weight: tf.Tensor, share: number): tf.Tensor {
  return tf.tidy(() => tf.add(average, tf.mul(tf.sub(weight, average), share)));
}

function kernelFor<Backend>(
  backendName: string,
  { makeOutput, valuesOf }: BackendMemory<Backend>,
): tf.KernelConfig {
  const kernelFunc: tf.KernelFunc = (call) => {
    const { average, weight } = call.inputs as MoveTowardsInputs;
    const { share } = call.attrs as MoveTowardsAttrs;
    const backend = call.backend as Backend;
    const output = makeOutput(backend, average.shape);
    const [from, to, moved] = valuesOf(backend, average, weight, output);
    move(from, to, share, moved);
    return output;
  };
  return { kernelName: MOVE_TOWARDS, backendName, kernelFunc };
}

/** Four values at a time: half the time of one at a time, and about that of the three operations of wasm, which use SIMD. */
function move(from: Float32Array, to: Float32Array, share: number, moved: Float32Array): void {
  const { length } = moved;
  const end = length - (length % 4);
  for (let i = 0; i < end; i += 4) {
    const a = from[i]!;
    const b = from[i + 1]!;
    const c = from[i + 2]!;
    const d = from[i + 3]!;
    moved[i] = a + (to[i]! - a) * share;
    moved[i + 1] = b + (to[i + 1]! - b) * share;
    moved[i + 2] = c + (to[i + 2]! - c) * share;
    moved[i + 3] = d + (to[i + 3]! - d) * share;
  }
  for (let i = end; i < length; i++) moved[i] = from[i]! + (to[i]! - from[i]!) * share;
}

/** Above this size TensorFlow's operations are faster: reading copies the weight. Measured. */
const MAX_VALUES_IN_JAVASCRIPT = 2 ** 13;

const composedKernel: tf.KernelFunc = ({ inputs, attrs }) => {
  const { average, weight } = inputs as MoveTowardsInputs;
  return composedMove(average as tf.Tensor, weight as tf.Tensor, (attrs as MoveTowardsAttrs).share);
};

// Importing this module registers the kernels.
registerKernels([
  kernelFor('cpu', cpuMemory),
  kernelFor('wasm', wasmMemory),
  ifSmallOnCpu(kernelFor('tensorflow', tensorflowMemory), MAX_VALUES_IN_JAVASCRIPT, composedKernel),
]);

import type * as tf from '@tensorflow/tfjs';
import { RUNNING_MEAN, type RunningMeanAttrs, type RunningMeanInputs } from './running-mean-kernel.js';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';
import { runningMeanWgsl } from './webgpu-running-mean-shader.js';
import { topKEntropyWgsl } from './webgpu-top-k-entropy-shader.js';

/** How the invocations of a workgroup are divided among rows. */
interface RowSplit {
  readonly invocationsPerRow: number;
  readonly workgroupSize: number;
}

const ONE_PER_ROW: RowSplit = { invocationsPerRow: 1, workgroupSize: 64 };

/**
 * How many invocations share a row. Eight read a sector of memory at once, and every device runs 32 in step. Workgroups
 * are small: on a software rasteriser, the cost of a barrier grows with the invocations.
 */
function rowSplit(numClasses: number): RowSplit {
  if (numClasses < 256) return ONE_PER_ROW;
  return { invocationsPerRow: numClasses < 4096 ? 8 : 32, workgroupSize: 32 };
}

/** Larger for many values, so that no invocation has too many of them. */
const meanWorkgroupSize = (rows: number): number => (rows > 4096 ? 256 : 64);

/**
 * A shader and its inputs, in the form that tfjs's webgpu backend takes. tfjs changes it, so make one for each call.
 */
interface WebGPUProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  /** Identifies the shader's text. tfjs adds ranks and types. */
  readonly shaderKey: string;
  readonly dispatchLayout: { readonly x: readonly number[] };
  readonly dispatch: readonly [number, number, number];
  readonly workgroupSize: readonly [number, number, number];
  readonly uniforms?: string;
  /** Whether the shader needs `uniforms.size`, the size of the output. */
  readonly size: boolean;
  getUserCode(): string;
}

/** The used part of tfjs's webgpu backend. */
interface WebGPUBackend {
  runWebGPUProgram(
    program: WebGPUProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: 'float32',
    uniforms?: readonly { type: 'float32' | 'int32'; data: readonly number[] }[],
  ): tf.TensorInfo;
}

const topKEntropy: tf.KernelFunc = (call) => {
  const { predictions } = call.inputs as TopKEntropyInputs;
  const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
  const backend = call.backend as WebGPUBackend;
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const positiveOnly = numClasses === 1;
  const { invocationsPerRow, workgroupSize } = k > 2 ? ONE_PER_ROW : rowSplit(numClasses);
  const shader = {
    k,
    allClasses: k === numClasses,
    fromLogits,
    positiveOnly,
    invocationsPerRow,
    workgroupSize,
  };
  const program: WebGPUProgram = {
    variableNames: ['predictions'],
    outputShape: [numRows],
    shaderKey: `${TOP_K_ENTROPY}_${Object.values(shader).join('_')}`,
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil((numRows * invocationsPerRow) / workgroupSize), 1, 1],
    workgroupSize: [workgroupSize, 1, 1],
    size: true,
    getUserCode: () => topKEntropyWgsl(shader),
  };
  return backend.runWebGPUProgram(program, [{ ...predictions, shape: [numRows, numClasses] }], 'float32');
};

const runningMean: tf.KernelFunc = (call) => {
  const { values, mean } = call.inputs as RunningMeanInputs;
  const { share } = call.attrs as RunningMeanAttrs;
  const backend = call.backend as WebGPUBackend;
  const workgroupSize = meanWorkgroupSize(values.shape[0] ?? 0);
  const program: WebGPUProgram = {
    variableNames: mean === undefined ? ['values'] : ['values', 'mean'],
    outputShape: [1],
    shaderKey: `${RUNNING_MEAN}_${mean === undefined}`,
    dispatchLayout: { x: [0] },
    dispatch: [1, 1, 1],
    workgroupSize: [workgroupSize, 1, 1],
    uniforms: 'share : f32,',
    size: false,
    getUserCode: () => runningMeanWgsl(workgroupSize, mean === undefined),
  };
  const inputs = mean === undefined ? [values] : [values, mean];
  return backend.runWebGPUProgram(program, inputs, 'float32', [{ type: 'float32', data: [share] }]);
};

export const webgpuKernels: tf.KernelConfig[] = [
  { kernelName: TOP_K_ENTROPY, backendName: 'webgpu', kernelFunc: topKEntropy },
  { kernelName: RUNNING_MEAN, backendName: 'webgpu', kernelFunc: runningMean },
];

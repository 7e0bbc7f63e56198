import * as tf from '@tensorflow/tfjs';
import { RUNNING_MEAN, type RunningMeanAttrs, type RunningMeanInputs } from './running-mean-kernel.js';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';
import { runningMeanGlsl, topKEntropyGlsl } from './webgl-shaders.js';

/** A shader with its inputs, as tfjs's webgl backend takes it; compiled once for each `userCode`. */
interface WebGLProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly userCode: string;
  readonly packedInputs?: boolean;
  /** Sizes come as uniforms: no compilation for the smaller last batch. */
  readonly enableShapeUniforms: true;
  readonly customUniforms: readonly { name: string; type: 'int' | 'float' }[];
}

/** What is used of tfjs's webgl backend. */
interface WebGLBackend {
  texData: { get(dataId: object): { isPacked?: boolean } };
  runWebGLProgram(
    program: WebGLProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: 'float32',
    customUniformValues: readonly number[][],
  ): tf.TensorInfo;
}

const topKEntropy: tf.KernelFunc = (call) => {
  const { predictions } = call.inputs as TopKEntropyInputs;
  const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
  const backend = call.backend as WebGLBackend;
  const { numRows, numClasses } = rowsAndClasses(predictions);
  // The last two dimensions decide how values are packed: as they are, there is nothing to be repacked.
  const rowsInBlock = predictions.shape.at(-2) ?? 1;
  const blocks = { ...predictions, shape: [numRows / Math.max(1, rowsInBlock), rowsInBlock, numClasses] };
  const packed = backend.texData.get(predictions.dataId).isPacked === true;
  const webglVersion = tf.env().getNumber('WEBGL_VERSION');
  const program: WebGLProgram = {
    variableNames: ['predictions'],
    outputShape: [numRows],
    userCode: topKEntropyGlsl({ numClasses, k, fromLogits, packed, half: isHalf(), webglVersion }),
    packedInputs: packed,
    enableShapeUniforms: true,
    customUniforms: [{ name: 'rowsInBlock', type: 'int' }],
  };
  return backend.runWebGLProgram(program, [blocks], 'float32', [[rowsInBlock]]);
};

const runningMean: tf.KernelFunc = (call) => {
  const { values, mean } = call.inputs as RunningMeanInputs;
  const { share } = call.attrs as RunningMeanAttrs;
  const backend = call.backend as WebGLBackend;
  const [rows = 0] = values.shape;
  const parts = isHalf() ? 2 : 1;
  // Powers of two, so that batches of other sizes seldom need a shader of their own.
  const maxRows = 2 ** Math.ceil(Math.log2(rows));
  const program: WebGLProgram = {
    variableNames: mean === undefined ? ['values'] : ['values', 'mean'],
    outputShape: [parts],
    userCode: runningMeanGlsl(maxRows, mean === undefined, parts),
    enableShapeUniforms: true,
    customUniforms: [
      { name: 'rows', type: 'int' },
      { name: 'share', type: 'float' },
    ],
  };
  const inputs = mean === undefined ? [values] : [values, mean];
  return backend.runWebGLProgram(program, inputs, 'float32', [[rows], [share]]);
};

/** Whether textures hold half precision; told by the flag, as the backend's own test reads from the device. */
function isHalf(): boolean {
  return !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
}

export const webglKernels: tf.KernelConfig[] = [
  { kernelName: TOP_K_ENTROPY, backendName: 'webgl', kernelFunc: topKEntropy },
  { kernelName: RUNNING_MEAN, backendName: 'webgl', kernelFunc: runningMean },
];

import * as tf from '@tensorflow/tfjs';
import { RUNNING_MEAN, type RunningMeanAttrs, type RunningMeanInputs } from './running-mean-kernel.js';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';
import { blockMeansGlsl, runningMeanGlsl, type Parts } from './webgl-running-mean-shader.js';
import { topKEntropyGlsl } from './webgl-top-k-entropy-shader.js';

/** A shader with its inputs, as tfjs's webgl backend takes it. */
interface WebGLProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  /** With it, and with ranks and kinds of textures, goes what is compiled. */
  readonly userCode: string;
  readonly packedInputs?: boolean;
  /** Sizes come as uniforms, which is not tfjs's default: no compilation for the smaller last batch. */
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
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** More values than that are summed in blocks first, as one fragment alone would take too long. */
const LONGEST_SUM = 8192;
const BLOCK_SIZE = 512;

const topKEntropy: tf.KernelFunc = (call) => {
  const { predictions } = call.inputs as TopKEntropyInputs;
  const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
  const backend = call.backend as WebGLBackend;
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const packed = backend.texData.get(predictions.dataId).isPacked === true;
  // The last two dimensions decide how values are packed: as they are, there is nothing to be repacked.
  const rowsInBlock = packed ? (predictions.shape.at(-2) ?? 1) : numRows;
  const shape = packed
    ? [numRows / Math.max(1, rowsInBlock), rowsInBlock, numClasses]
    : [numRows, numClasses];
  const webglVersion = tf.env().getNumber('WEBGL_VERSION');
  // Fragments are drawn two by two: of a texture of one line, half of them for nothing.
  const paired = numRows % 2 === 0;
  const program: WebGLProgram = {
    variableNames: ['predictions'],
    outputShape: paired ? [numRows / 2, 2] : [numRows],
    userCode: topKEntropyGlsl({ numClasses, k, fromLogits, packed, paired, webglVersion }),
    packedInputs: packed,
    enableShapeUniforms: true,
    customUniforms: [{ name: 'rowsInBlock', type: 'int' }],
  };
  const input = { ...predictions, shape };
  const entropies = backend.runWebGLProgram(program, [input], 'float32', [[rowsInBlock]]);
  // The texture is not packed, so any shape of as many values will do.
  return { ...entropies, shape: [numRows] };
};

const runningMean: tf.KernelFunc = (call) => {
  const { values, mean } = call.inputs as RunningMeanInputs;
  const { share } = call.attrs as RunningMeanAttrs;
  const backend = call.backend as WebGLBackend;
  const [rows = 0] = values.shape;
  if (rows <= LONGEST_SUM) return movedMean(backend, values, rows, mean, share);
  const blocks = blockMeans(backend, values, rows);
  const moved = movedMean(backend, blocks, rows / BLOCK_SIZE, mean, share);
  backend.disposeIntermediateTensorInfo(blocks);
  return moved;
};

function blockMeans(backend: WebGLBackend, values: tf.TensorInfo, numValues: number): tf.TensorInfo {
  const parts = partsOfMean();
  const program: WebGLProgram = {
    variableNames: ['values'],
    outputShape: [Math.ceil(numValues / BLOCK_SIZE) * parts],
    userCode: blockMeansGlsl(BLOCK_SIZE, parts),
    enableShapeUniforms: true,
    customUniforms: [{ name: 'numValues', type: 'int' }],
  };
  return backend.runWebGLProgram(program, [values], 'float32', [[numValues]]);
}

/** @param rows what the sum of `values` is divided by. */
function movedMean(
  backend: WebGLBackend,
  values: tf.TensorInfo,
  rows: number,
  mean: tf.TensorInfo | undefined,
  share: number,
): tf.TensorInfo {
  const [numValues = 0] = values.shape;
  const parts = partsOfMean();
  // Powers of two, so that batches of other sizes seldom need a shader of their own.
  const maxValues = 2 ** Math.ceil(Math.log2(numValues));
  const program: WebGLProgram = {
    variableNames: mean === undefined ? ['values'] : ['values', 'mean'],
    outputShape: [parts],
    userCode: runningMeanGlsl(maxValues, mean === undefined, parts),
    enableShapeUniforms: true,
    customUniforms: [
      { name: 'numValues', type: 'int' },
      { name: 'rows', type: 'float' },
      { name: 'share', type: 'float' },
    ],
  };
  const inputs = mean === undefined ? [values] : [values, mean];
  return backend.runWebGLProgram(program, inputs, 'float32', [[numValues], [rows], [share]]);
}

/** By the flag, and not by `floatPrecision()`, which is 16 on every webgl backend. */
function partsOfMean(): Parts {
  return tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') ? 1 : 2;
}

export const webglKernels: tf.KernelConfig[] = [
  { kernelName: TOP_K_ENTROPY, backendName: 'webgl', kernelFunc: topKEntropy },
  { kernelName: RUNNING_MEAN, backendName: 'webgl', kernelFunc: runningMean },
];

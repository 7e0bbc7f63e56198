import * as tf from '@tensorflow/tfjs';
import { RUNNING_MEAN, type RunningMeanAttrs, type RunningMeanInputs } from './running-mean-kernel.js';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';
import { blockMeansGlsl, runningMeanGlsl, type MeanParts } from './webgl-running-mean-shader.js';
import { topKEntropyGlsl } from './webgl-top-k-entropy-shader.js';

/** A shader and its inputs, in the form that tfjs's webgl backend takes. */
interface WebGLProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  /** tfjs caches compiled programs by this text and by the ranks and kinds of the textures. */
  readonly userCode: string;
  readonly packedInputs?: boolean;
  /** Passes sizes as uniforms, which isn't tfjs's default: the smaller last batch needs no compilation. */
  readonly enableShapeUniforms: true;
  readonly customUniforms: readonly { name: string; type: 'int' | 'float' }[];
}

/** The used part of tfjs's webgl backend. */
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

/** More values are summed in blocks first: a single fragment would take too long. */
const MAX_SINGLE_SUM = 8192;
const BLOCK_SIZE = 512;

const topKEntropy: tf.KernelFunc = (call) => {
  const { predictions } = call.inputs as TopKEntropyInputs;
  const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
  const backend = call.backend as WebGLBackend;
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const packed = backend.texData.get(predictions.dataId).isPacked === true;
  // The last two dimensions decide how values are packed. Keeping them avoids repacking.
  const rowsInBlock = packed ? (predictions.shape.at(-2) ?? 1) : numRows;
  const shape = packed
    ? [numRows / Math.max(1, rowsInBlock), rowsInBlock, numClasses]
    : [numRows, numClasses];
  const webglVersion = tf.env().getNumber('WEBGL_VERSION');
  // GPUs draw fragments in blocks of two by two. In a texture of one line, half of them would be wasted.
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
  // The texture isn't packed, so any shape with the same number of values is valid.
  return { ...entropies, shape: [numRows] };
};

const runningMean: tf.KernelFunc = (call) => {
  const { values, mean } = call.inputs as RunningMeanInputs;
  const { share } = call.attrs as RunningMeanAttrs;
  const backend = call.backend as WebGLBackend;
  const [rows = 0] = values.shape;
  if (rows <= MAX_SINGLE_SUM) return nextMean(backend, values, rows, mean, share);
  const blocks = blockMeans(backend, values, rows);
  const next = nextMean(backend, blocks, rows / BLOCK_SIZE, mean, share);
  backend.disposeIntermediateTensorInfo(blocks);
  return next;
};

function blockMeans(backend: WebGLBackend, values: tf.TensorInfo, numValues: number): tf.TensorInfo {
  const parts = meanParts();
  const program: WebGLProgram = {
    variableNames: ['values'],
    outputShape: [Math.ceil(numValues / BLOCK_SIZE) * parts],
    userCode: blockMeansGlsl(BLOCK_SIZE, parts),
    enableShapeUniforms: true,
    customUniforms: [{ name: 'numValues', type: 'int' }],
  };
  return backend.runWebGLProgram(program, [values], 'float32', [[numValues]]);
}

/** One step of the running mean. @param rows the divisor of the sum of `values`. */
function nextMean(
  backend: WebGLBackend,
  values: tf.TensorInfo,
  rows: number,
  mean: tf.TensorInfo | undefined,
  share: number,
): tf.TensorInfo {
  const [numValues = 0] = values.shape;
  const parts = meanParts();
  // Rounded up to a power of two, so that batches of different sizes mostly share a shader.
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

/** Uses the flag because `floatPrecision()` is 16 on every webgl backend. */
function meanParts(): MeanParts {
  return tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') ? 1 : 2;
}

export const webglKernels: tf.KernelConfig[] = [
  { kernelName: TOP_K_ENTROPY, backendName: 'webgl', kernelFunc: topKEntropy },
  { kernelName: RUNNING_MEAN, backendName: 'webgl', kernelFunc: runningMean },
];

import { EPSILON } from '../composed.js';

export interface TopKEntropyShader {
  readonly numClasses: number;
  readonly k: number;
  readonly fromLogits: boolean;
  /** Whether a texel of the predictions holds two rows of two classes; else it holds one value. */
  readonly packed: boolean;
  /** Whether the result is `[rows / 2, 2]`; else it's `[rows]`. */
  readonly paired: boolean;
  readonly webglVersion: number;
}

/**
 * GLSL for the entropy of one row per fragment. One pass tracks the largest value, the second largest and the sum of
 * exponentials. Packed `predictions` are `[blocks, rowsInBlock, numClasses]`, others `[rows, numClasses]`. It also runs
 * in WebGL 1, where loops need constant bounds.
 *
 * `LOWEST` replaces −Infinity. It's finite, so that a difference of two values is a number. A probability of 0 is left
 * out: a device may round the epsilon to 0, and 0·ln 0 is NaN.
 *
 * Intermediate values are `highp` and never stored. So with half-precision textures only the predictions and the result
 * are rounded.
 */
export function topKEntropyGlsl(shader: TopKEntropyShader): string {
  const { numClasses, fromLogits, paired } = shader;
  return `
    const int NUM_CLASSES = ${numClasses};
    const float LOWEST = -3.4028234e38;
    float first = LOWEST;
    float second = LOWEST;
    float sum = 0.0;
    bool invalid = false;

    ${isUnusableGlsl(shader)}
    ${fromLogits ? ADD_LOGITS : ADD_PROBABILITIES}

    float probability(float x) {
      return ${fromLogits ? 'exp(x - first) / sum' : 'x'};
    }

    float term(float p) {
      return p < 0.0 ? NAN : p == 0.0 ? 0.0 : -p * log(p + ${EPSILON});
    }

    ${shader.packed ? packedGlsl(shader) : UNPACKED}

    void main() {
      ${paired ? 'ivec2 coords = getOutputCoords();' : ''}
      int row = ${paired ? 'coords.x * 2 + coords.y' : 'getOutputCoords()'};
      locateRow(row);
      addRow(row);
      ${numClasses === 1 ? `addValue(${fromLogits ? '0.0' : '1.0 - first'});` : ''}
      ${fromLogits ? 'invalid = invalid || first <= LOWEST;' : ''}
      if (invalid) {
        setOutput(NAN);
        return;
      }
      float entropy = 0.0;
      ${entropyGlsl(shader)}
      setOutput(entropy);
    }
  `;
}

/**
 * GLSL of `isUnusable`: whether a value makes its row NaN. It tests bits where GLSL gives access to them, because a
 * compiler may assume that NaN and Infinity don't occur.
 */
function isUnusableGlsl({ fromLogits, webglVersion }: TopKEntropyShader): string {
  const [nan, infinite] =
    webglVersion === 2 ? ['bits > 0x7f800000u', 'bits == 0x7f800000u'] : ['isnan(x)', 'isinf(x)'];
  return `
    bool isUnusable(float x) {
      ${webglVersion === 2 ? 'uint bits = floatBitsToUint(x) & 0x7fffffffu;' : ''}
      return ${nan} || (${infinite}${fromLogits ? ' && x > 0.0' : ''});
    }`;
}

/** `addValue` adds one value to the row, `addPair` the two values of a texel with one comparison for both. */
const ADD_LOGITS = `
    void addValue(float logit) {
      invalid = invalid || isUnusable(logit);
      float x = max(logit, LOWEST);
      if (x > first) {
        sum = sum * exp(first - x) + 1.0;
        second = first;
        first = x;
      } else {
        second = max(second, x);
        sum += exp(x - first);
      }
    }

    void addPair(vec2 logits) {
      invalid = invalid || isUnusable(logits.x) || isUnusable(logits.y);
      vec2 x = max(logits, LOWEST);
      float larger = max(x.x, x.y);
      if (larger > first) {
        sum *= exp(first - larger);
        second = max(first, min(x.x, x.y));
        first = larger;
      } else {
        second = max(second, larger);
      }
      vec2 exps = exp(x - first);
      sum += exps.x + exps.y;
    }`;

const ADD_PROBABILITIES = `
    void addValue(float p) {
      invalid = invalid || isUnusable(p);
      if (p > first) {
        second = first;
        first = p;
      } else {
        second = max(second, p);
      }
    }

    void addPair(vec2 pair) {
      addValue(pair.x);
      addValue(pair.y);
    }`;

/** `locateRow` finds a row, `valueAt` reads one of its values, `addRow` adds all of them. */
const UNPACKED = `
    void locateRow(int row) {}

    float valueAt(int row, int c) {
      return getPredictions(row, c);
    }

    void addRow(int row) {
      for (int c = 0; c < NUM_CLASSES; c++) addValue(valueAt(row, c));
    }`;

/**
 * Computes texel addresses itself. tfjs's sampler divides for each texel, and tfjs reuses the wrong program where
 * shapes differ only in dimensions of 1.
 */
function packedGlsl({ webglVersion }: TopKEntropyShader): string {
  const texelAt =
    webglVersion === 2
      ? 'texelFetch(predictions, texel, 0)'
      : 'texture2D(predictions, (vec2(texel) + halfCR) / vec2(size))';
  return `
    ivec2 size;
    int firstTexel;
    bool isUpper;

    void locateRow(int row) {
      int block = row / rowsInBlock;
      int rowInBlock = row - block * rowsInBlock;
      size = (predictionsTexShape.yx + 1) / 2;
      firstTexel = (block * ((rowsInBlock + 1) / 2) + rowInBlock / 2) * ((NUM_CLASSES + 1) / 2);
      isUpper = imod(rowInBlock, 2) == 0;
    }

    vec2 pairAt(ivec2 texel) {
      vec4 values = ${texelAt};
      return isUpper ? values.rg : values.ba;
    }

    float valueAt(int row, int c) {
      int index = firstTexel + c / 2;
      int y = index / size.x;
      vec2 pair = pairAt(ivec2(index - y * size.x, y));
      return imod(c, 2) == 0 ? pair.x : pair.y;
    }

    void addRow(int row) {
      int y = firstTexel / size.x;
      ivec2 texel = ivec2(firstTexel - y * size.x, y);
      for (int c = 0; c < NUM_CLASSES; c += 2) {
        vec2 pair = pairAt(texel);
        if (c + 1 < NUM_CLASSES) addPair(pair);
        else addValue(pair.x);
        texel.x++;
        if (texel.x == size.x) texel = ivec2(0, texel.y + 1);
      }
    }`;
}

function entropyGlsl({ k, numClasses }: TopKEntropyShader): string {
  if (k === 1) return 'entropy = term(probability(first));';
  if (k === 2) return 'entropy = term(probability(first)) + term(probability(second));';
  if (k === numClasses) {
    return 'for (int c = 0; c < NUM_CLASSES; c++) entropy += term(probability(valueAt(row, c)));';
  }
  // One pass per distinct value, from the largest down. Each value counts as often as it occurs.
  return `
      float previous = 0.0;
      int remaining = ${k};
      for (int pass = 0; pass < ${k}; pass++) {
        float largest = LOWEST;
        int count = 0;
        for (int c = 0; c < NUM_CLASSES; c++) {
          float x = valueAt(row, c);
          if (pass > 0 && x >= previous) continue;
          if (x > largest) {
            largest = x;
            count = 0;
          }
          if (x == largest) count++;
        }
        if (count == 0 || remaining == 0) break;
        int taken = count < remaining ? count : remaining;
        entropy += float(taken) * term(probability(largest));
        remaining -= taken;
        previous = largest;
      }`;
}

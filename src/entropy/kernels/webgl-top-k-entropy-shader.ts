import { EPSILON } from '../composed.js';

export interface TopKEntropyShader {
  readonly numClasses: number;
  readonly k: number;
  readonly fromLogits: boolean;
  /** Whether a texel of the predictions holds two rows of two classes, or one value. */
  readonly packed: boolean;
  /** Whether the result is `[rows / 2, 2]`, or `[rows]`. */
  readonly paired: boolean;
  readonly webglVersion: number;
}

/**
 * GLSL of one row a fragment: running maximum, runner-up and sum of exponentials in one pass. Packed
 * `predictions` are `[blocks, rowsInBlock, numClasses]`, others `[rows, numClasses]`. Runs in WebGL 1 as
 * well, where loops have constant bounds.
 *
 * `LOWEST` is finite, so that the difference of two is a number; −Infinity is taken for it. A probability of
 * 0 is left out, as the epsilon may be 0 to a device and 0·ln 0 is no number.
 *
 * What it computes with is `highp` and never stored, so textures of half precision cost no more than the
 * rounding of the predictions and of the result.
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

    ${specialGlsl(shader)}
    ${fromLogits ? SEE_LOGITS : SEE_PROBABILITIES}

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
      begin(row);
      seeRow(row);
      ${numClasses === 1 ? `see(${fromLogits ? '0.0' : '1.0 - first'});` : ''}
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
 * By their bits where GLSL has them: a compiler may take it that there is no NaN and no Infinity.
 * `isUnusable` is what makes a row NaN.
 */
function specialGlsl({ fromLogits, webglVersion }: TopKEntropyShader): string {
  const [nan, infinite] =
    webglVersion === 2 ? ['bits > 0x7f800000u', 'bits == 0x7f800000u'] : ['isnan(x)', 'isinf(x)'];
  return `
    bool isUnusable(float x) {
      ${webglVersion === 2 ? 'uint bits = floatBitsToUint(x) & 0x7fffffffu;' : ''}
      return ${nan} || (${infinite}${fromLogits ? ' && x > 0.0' : ''});
    }`;
}

/** `see` takes one value, `seePair` the two of a texel, with one comparison for both. */
const SEE_LOGITS = `
    void see(float logit) {
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

    void seePair(vec2 logits) {
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

const SEE_PROBABILITIES = `
    void see(float p) {
      invalid = invalid || isUnusable(p);
      if (p > first) {
        second = first;
        first = p;
      } else {
        second = max(second, p);
      }
    }

    void seePair(vec2 pair) {
      see(pair.x);
      see(pair.y);
    }`;

/** `begin` finds a row, `valueAt` gives its single values, `seeRow` takes all of them. */
const UNPACKED = `
    void begin(int row) {}

    float valueAt(int row, int c) {
      return getPredictions(row, c);
    }

    void seeRow(int row) {
      for (int c = 0; c < NUM_CLASSES; c++) see(valueAt(row, c));
    }`;

/**
 * By addresses of its own: tfjs's sampler divides for each texel, and takes one text for another where
 * shapes differ in dimensions of 1.
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

    void begin(int row) {
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

    void seeRow(int row) {
      int y = firstTexel / size.x;
      ivec2 texel = ivec2(firstTexel - y * size.x, y);
      for (int c = 0; c < NUM_CLASSES; c += 2) {
        vec2 pair = pairAt(texel);
        if (c + 1 < NUM_CLASSES) seePair(pair);
        else see(pair.x);
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
  // Value by value downwards, each as often as it occurs: as many further passes as there are values.
  return `
      float above = 0.0;
      int left = ${k};
      for (int pass = 0; pass < ${k}; pass++) {
        float largest = LOWEST;
        int count = 0;
        for (int c = 0; c < NUM_CLASSES; c++) {
          float x = valueAt(row, c);
          if (pass > 0 && x >= above) continue;
          if (x > largest) {
            largest = x;
            count = 0;
          }
          if (x == largest) count++;
        }
        if (count == 0 || left == 0) break;
        int taken = count < left ? count : left;
        entropy += float(taken) * term(probability(largest));
        left -= taken;
        above = largest;
      }`;
}

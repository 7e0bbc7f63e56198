import { EPSILON } from '../row-entropy.js';

export interface TopKEntropyShader {
  readonly numClasses: number;
  readonly k: number;
  readonly fromLogits: boolean;
  /** Whether a texel holds two rows of two classes, or one value. */
  readonly packed: boolean;
  /** Whether textures hold half precision. */
  readonly half: boolean;
  readonly webglVersion: number;
}

/**
 * GLSL of one row a fragment: running maximum, runner-up and sum of exponentials in one pass over
 * `predictions`, which are seen as `[blocks, rowsInBlock, numClasses]`. Runs in WebGL 1 as well, where
 * loops have constant bounds.
 *
 * What it computes with is never stored: on a device of half precision, too, it is as exact as the
 * device's `highp`. A probability of 0 is left out, as the epsilon may be 0 there.
 */
export function topKEntropyGlsl(shader: TopKEntropyShader): string {
  const { numClasses, fromLogits, half } = shader;
  return `
    const int NUM_CLASSES = ${numClasses};
    // Finite, so that the difference of two is a number; what is lower is a probability of 0.
    const float LOWEST = ${half ? '-65504.0' : '-1e38'};
    float first = LOWEST;
    float second = LOWEST;
    float sum = 0.0;
    bool invalid = false;

    ${seeGlsl(fromLogits)}

    float probability(float x) {
      return ${fromLogits ? 'exp(x - first) / sum' : 'x'};
    }

    float term(float p) {
      return p > 0.0 ? -p * log(p + ${EPSILON}) : 0.0;
    }

    ${rowGlsl(shader)}

    void main() {
      int index = getOutputCoords();
      int block = index / rowsInBlock;
      int row = index - block * rowsInBlock;
      seeRow(block, row);
      ${numClasses === 1 ? `see(${fromLogits ? '0.0' : '1.0 - first'});` : ''}
      ${fromLogits ? 'invalid = invalid || first <= LOWEST;' : ''}
      if (invalid) {
        setOutput(NAN);
        return;
      }
      ${entropyGlsl(shader)}
      setOutput(entropy);
    }
  `;
}

/** `see` for one value, `seePair` for the two of a texel: with one comparison for both. */
function seeGlsl(fromLogits: boolean): string {
  if (!fromLogits) {
    return `
    void see(float p) {
      invalid = invalid || isnan(p) || isinf(p);
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
  }
  return `
    bool hasNoSoftmax(float logit) {
      return isnan(logit) || (logit > 0.0 && isinf(logit));
    }

    void see(float logit) {
      invalid = invalid || hasNoSoftmax(logit);
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
      invalid = invalid || hasNoSoftmax(logits.x) || hasNoSoftmax(logits.y);
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
}

/** `valueAt` for single values, `seeRow` for all of a row. */
function rowGlsl({ packed, webglVersion }: TopKEntropyShader): string {
  if (!packed) {
    return `
    float valueAt(int block, int row, int c) {
      return getPredictions(block, row, c);
    }

    void seeRow(int block, int row) {
      for (int c = 0; c < NUM_CLASSES; c++) see(valueAt(block, row, c));
    }`;
  }
  const texel =
    webglVersion === 2
      ? 'texelFetch(predictions, ivec2(x, y), 0)'
      : 'texture2D(predictions, (vec2(x, y) + halfCR) / vec2(size))';
  return `
    float valueAt(int block, int row, int c) {
      return getChannel(getPredictions(block, row, c), vec2(row, c));
    }

    // From texel to texel, where tfjs's own sampler would divide for each.
    void seeRow(int block, int row) {
      ivec2 size = (predictionsTexShape.yx + 1) / 2;
      int texelsInRow = (NUM_CLASSES + 1) / 2;
      int index = (block * ((rowsInBlock + 1) / 2) + row / 2) * texelsInRow;
      int y = index / size.x;
      int x = index - y * size.x;
      bool isUpper = imod(row, 2) == 0;
      for (int c = 0; c < NUM_CLASSES; c += 2) {
        vec4 texel = ${texel};
        vec2 pair = isUpper ? texel.rg : texel.ba;
        if (c + 1 < NUM_CLASSES) seePair(pair);
        else see(pair.x);
        x++;
        if (x == size.x) {
          x = 0;
          y++;
        }
      }
    }`;
}

function entropyGlsl({ k }: TopKEntropyShader): string {
  if (k === 1) return 'float entropy = term(probability(first));';
  if (k === 2) return 'float entropy = term(probability(first)) + term(probability(second));';
  // Value by value downwards, each as often as it occurs: as many further passes as there are values.
  return `
      float entropy = 0.0;
      float above = 0.0;
      int left = ${k};
      for (int pass = 0; pass < ${k}; pass++) {
        float largest = LOWEST;
        int count = 0;
        for (int c = 0; c < NUM_CLASSES; c++) {
          float x = valueAt(block, row, c);
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

/**
 * GLSL of a running mean's step, by one fragment a part; `rows` values, at most `maxRows`.
 *
 * With two parts the first is rounded to a 256th, which half precision holds exactly up to 8, and the
 * second is what that leaves: together they are within 2^−20 where one half would be within 2^−12.
 */
export function runningMeanGlsl(maxRows: number, isFirst: boolean, parts: 1 | 2): string {
  const former = Array.from({ length: parts }, (_, part) => `getMean(${part})`).join(' + ');
  return `
    void main() {
      int part = getOutputCoords();
      float total = 0.0;
      for (int i = 0; i < ${maxRows}; i++) {
        if (i >= rows) break;
        total += getValues(i);
      }
      float mean = total / float(rows);
      ${isFirst ? '' : `float former = ${former};\n      mean = former + (mean - former) * share;`}
      ${parts === 1 ? '' : `float coarse = floor(mean * 256.0) / 256.0;\n      mean = part == 0 ? coarse : mean - coarse;`}
      setOutput(mean);
    }
  `;
}

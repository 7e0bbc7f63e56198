/** So many values are summed before they're added to the total: one long sum would lose digits. */
const PARTIAL_SUM_SIZE = 64;

/** GLSL for the sum of `count` values from `start` on. `maxCount` is their maximum, as loops need constant bounds. */
function sumGlsl(maxCount: number): string {
  return `
    float sumOf(int start, int count) {
      float total = 0.0;
      for (int i = 0; i < ${maxCount}; i += ${PARTIAL_SUM_SIZE}) {
        float part = 0.0;
        for (int j = 0; j < ${PARTIAL_SUM_SIZE}; j++) {
          if (i + j >= count) break;
          part += getValues(start + i + j);
        }
        total += part;
        if (i + ${PARTIAL_SUM_SIZE} >= count) break;
      }
      return total;
    }`;
}

/**
 * How many numbers a mean is stored in. With two, the first is rounded to a 256th, which half precision holds exactly
 * up to 8. The second is the remainder. Together they're exact to 2^−20; one half-precision number would be exact to
 * 2^−12.
 */
export type MeanParts = 1 | 2;

const PART_OF = `
    float partOf(float value, int part) {
      float coarse = floor(value * 256.0) / 256.0;
      return part == 0 ? coarse : value - coarse;
    }`;

/** GLSL for the sums of blocks of values. Each is divided by the block size, so that no sum gets large. */
export function blockMeansGlsl(blockSize: number, parts: MeanParts): string {
  return `
    ${sumGlsl(blockSize)}
    ${parts === 1 ? '' : PART_OF}

    void main() {
      int index = getOutputCoords();
      int start = index / ${parts} * ${blockSize};
      int remaining = numValues - start;
      float mean = sumOf(start, remaining < ${blockSize} ? remaining : ${blockSize}) / ${blockSize}.0;
      setOutput(${parts === 1 ? 'mean' : 'partOf(mean, imod(index, 2))'});
    }
  `;
}

/**
 * GLSL for one step of a running mean, with one fragment per part. The batch mean is the sum of `numValues` values, at
 * most `maxValues`, divided by `rows`.
 */
export function runningMeanGlsl(maxValues: number, isFirst: boolean, parts: MeanParts): string {
  const previous = Array.from({ length: parts }, (_, part) => `getMean(${part})`).join(' + ');
  return `
    ${sumGlsl(maxValues)}
    ${parts === 1 ? '' : PART_OF}

    void main() {
      float mean = sumOf(0, numValues) / rows;
      ${isFirst ? '' : `float previous = ${previous};\n      mean = previous + (mean - previous) * share;`}
      setOutput(${parts === 1 ? 'mean' : 'partOf(mean, getOutputCoords())'});
    }
  `;
}

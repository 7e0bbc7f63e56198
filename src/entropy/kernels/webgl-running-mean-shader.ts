/** Values that are summed before they are added to the sum of all: one long sum would lose digits. */
const SUMMED_TOGETHER = 64;

/** GLSL of the sum of `count` values from `start` on; at most `maxCount`, as loops have constant bounds. */
function sumGlsl(maxCount: number): string {
  return `
    float sumOf(int start, int count) {
      float total = 0.0;
      for (int i = 0; i < ${maxCount}; i += ${SUMMED_TOGETHER}) {
        float part = 0.0;
        for (int j = 0; j < ${SUMMED_TOGETHER}; j++) {
          if (i + j >= count) break;
          part += getValues(start + i + j);
        }
        total += part;
        if (i + ${SUMMED_TOGETHER} >= count) break;
      }
      return total;
    }`;
}

/**
 * With two parts the first is rounded to a 256th, which half precision holds exactly up to 8, and the
 * second is what that leaves: together they are within 2^−20 where one half would be within 2^−12.
 */
export type Parts = 1 | 2;

const PART = `
    float partOf(float value, int part) {
      float coarse = floor(value * 256.0) / 256.0;
      return part == 0 ? coarse : value - coarse;
    }`;

/** GLSL of the sums of blocks of values, each divided by the size of a block, so that none is large. */
export function blockMeansGlsl(blockSize: number, parts: Parts): string {
  return `
    ${sumGlsl(blockSize)}
    ${parts === 1 ? '' : PART}

    void main() {
      int index = getOutputCoords();
      int start = index / ${parts} * ${blockSize};
      int left = numValues - start;
      float mean = sumOf(start, left < ${blockSize} ? left : ${blockSize}) / ${blockSize}.0;
      setOutput(${parts === 1 ? 'mean' : 'partOf(mean, imod(index, 2))'});
    }
  `;
}

/**
 * GLSL of a running mean's step, by one fragment a part: the mean is the sum of `numValues`, at most
 * `maxValues`, over `rows`.
 */
export function runningMeanGlsl(maxValues: number, isFirst: boolean, parts: Parts): string {
  const former = Array.from({ length: parts }, (_, part) => `getMean(${part})`).join(' + ');
  return `
    ${sumGlsl(maxValues)}
    ${parts === 1 ? '' : PART}

    void main() {
      float mean = sumOf(0, numValues) / rows;
      ${isFirst ? '' : `float former = ${former};\n      mean = former + (mean - former) * share;`}
      setOutput(${parts === 1 ? 'mean' : 'partOf(mean, getOutputCoords())'});
    }
  `;
}

import { EPSILON } from '../composed.js';

export interface TopKEntropyShader {
  readonly k: number;
  /** Whether k = numClasses. */
  readonly allClasses: boolean;
  readonly fromLogits: boolean;
  /** Whether there's a single class, the positive class of two. */
  readonly positiveOnly: boolean;
  /** Invocations that share a row; a divisor of `workgroupSize`. */
  readonly invocationsPerRow: number;
  readonly workgroupSize: number;
}

/**
 * WGSL for the entropies of rows. One pass tracks the largest value, the second largest and the sum of exponentials.
 *
 * An invocation scores a whole row, or several share one and each reads every n-th class. Then the first of them
 * combines the results after one barrier: a tree reduction with several barriers would wait longer.
 *
 * `LOWEST` replaces −Infinity. It's finite, so that a difference of two values is a number. A probability of 0 is left
 * out: a device may round the epsilon to 0, and 0·ln 0 is NaN.
 *
 * NaN and Infinity are detected by their bits, because a compiler may assume that they don't occur.
 */
export function topKEntropyWgsl(shader: TopKEntropyShader): string {
  const { fromLogits } = shader;
  return `
    const LOWEST : f32 = -3.4028234e38;
    const INFINITY_BITS : u32 = 0x7f800000u;
    var<private> first : f32 = LOWEST;
    var<private> second : f32 = LOWEST;
    var<private> sum : f32 = 0.0;
    var<private> invalid : bool = false;

    ${addValueWgsl(fromLogits)}

    fn probability(x : f32) -> f32 {
      return ${fromLogits ? 'exp(x - first) / sum' : 'x'};
    }

    fn term(p : f32) -> f32 {
      if (p < 0.0) { return uniforms.NAN; }
      if (p == 0.0) { return 0.0; }
      return -p * log(p + ${EPSILON});
    }

    ${entropyWgsl(shader)}

    ${shader.invocationsPerRow === 1 ? rowByInvocation(shader) : rowByInvocations(shader)}
  `;
}

function addValueWgsl(fromLogits: boolean): string {
  if (!fromLogits) {
    return `
    fn addValue(p : f32) {
      invalid = invalid || (bitcast<u32>(p) & 0x7fffffffu) >= INFINITY_BITS;
      if (p > first) {
        second = first;
        first = p;
      } else {
        second = max(second, p);
      }
    }`;
  }
  return `
    fn addValue(logit : f32) {
      let bits = bitcast<u32>(logit);
      invalid = invalid || bits == INFINITY_BITS || (bits & 0x7fffffffu) > INFINITY_BITS;
      let x = max(logit, LOWEST);
      if (x > first) {
        sum = sum * exp(first - x) + 1.0;
        second = first;
        first = x;
      } else {
        second = max(second, x);
        sum += exp(x - first);
      }
    }`;
}

function entropyWgsl({ k, allClasses, fromLogits }: TopKEntropyShader): string {
  const top2 = `return term(probability(first))${k === 2 ? ' + term(probability(second))' : ''};`;
  return `
    fn entropy(start : i32, numClasses : i32) -> f32 {
      if (${fromLogits ? 'invalid || first <= LOWEST' : 'invalid'}) { return uniforms.NAN; }
      ${k <= 2 ? top2 : allClasses ? SUM_OF_ALL : sumOfLargestWgsl(k)}
    }`;
}

const SUM_OF_ALL = `
      var total = 0.0;
      for (var c = 0; c < numClasses; c++) { total += term(probability(f32(predictions[start + c]))); }
      return total;`;

/** One pass per distinct value, from the largest down. Each value counts as often as it occurs. */
function sumOfLargestWgsl(k: number): string {
  return `
      var total = 0.0;
      var previous = first;
      var remaining = ${k};
      for (var pass_ = 0; pass_ < ${k} && remaining > 0; pass_++) {
        var largest = LOWEST;
        var count = 0;
        for (var c = 0; c < numClasses; c++) {
          let x = f32(predictions[start + c]);
          if (pass_ > 0 && x >= previous) { continue; }
          if (x > largest) {
            largest = x;
            count = 0;
          }
          if (x == largest) { count++; }
        }
        if (count == 0) { break; }
        let taken = min(count, remaining);
        total += f32(taken) * term(probability(largest));
        remaining -= taken;
        previous = largest;
      }
      return total;`;
}

function rowByInvocation({ positiveOnly, fromLogits }: TopKEntropyShader): string {
  return `
    fn main(row : i32) {
      if (row >= uniforms.size) { return; }
      let numClasses = uniforms.predictionsShape.y;
      let start = row * numClasses;
      for (var c = 0; c < numClasses; c++) { addValue(f32(predictions[start + c])); }
      ${positiveOnly ? `addValue(${fromLogits ? '0.0' : '1.0 - first'});` : ''}
      setOutputAtIndex(row, entropy(start, numClasses));
    }`;
}

function rowByInvocations({ fromLogits, invocationsPerRow, workgroupSize }: TopKEntropyShader): string {
  const combineSums = `
          let larger = max(first, firsts[i]);
          sum = sum * exp(first - larger) + sums[i] * exp(firsts[i] - larger);`;
  return `
    var<workgroup> firsts : array<f32, ${workgroupSize}>;
    var<workgroup> seconds : array<f32, ${workgroupSize}>;
    var<workgroup> sums : array<f32, ${workgroupSize}>;
    var<workgroup> invalids : array<u32, ${workgroupSize}>;

    fn main(index : i32) {
      let row = index / ${invocationsPerRow};
      let lane = index % ${invocationsPerRow};
      let numClasses = uniforms.predictionsShape.y;
      let start = row * numClasses;
      if (row < uniforms.size) {
        for (var c = lane; c < numClasses; c += ${invocationsPerRow}) { addValue(f32(predictions[start + c])); }
      }
      let invocation = i32(localIndex);
      firsts[invocation] = first;
      seconds[invocation] = second;
      sums[invocation] = sum;
      invalids[invocation] = u32(invalid);
      workgroupBarrier();
      if (lane == 0 && row < uniforms.size) {
        for (var i = invocation + 1; i < invocation + ${invocationsPerRow}; i++) {
          ${fromLogits ? combineSums : ''}
          second = max(max(second, seconds[i]), min(first, firsts[i]));
          first = max(first, firsts[i]);
          invalid = invalid || invalids[i] != 0u;
        }
        setOutputAtIndex(row, entropy(start, numClasses));
      }
    }`;
}

/**
 * WGSL of a running mean's step, by one workgroup: each invocation sums every n-th of the values, and the
 * first of them adds up what they have found.
 */
export function runningMeanWgsl(workgroupSize: number, isFirst: boolean): string {
  return `
    var<workgroup> totals : array<f32, ${workgroupSize}>;

    fn main(index : i32) {
      let rows = uniforms.valuesShape;
      var total = 0.0;
      for (var i = index; i < rows; i += ${workgroupSize}) { total += values[i]; }
      totals[index] = total;
      workgroupBarrier();
      if (index == 0) {
        for (var i = 1; i < min(${workgroupSize}, rows); i++) { total += totals[i]; }
        let batchMean = total / f32(rows);
        ${isFirst ? 'setOutputAtIndex(0, batchMean);' : 'setOutputAtIndex(0, mean[0] + (batchMean - mean[0]) * uniforms.share);'}
      }
    }
  `;
}

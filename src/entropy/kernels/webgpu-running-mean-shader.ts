/**
 * WGSL for one step of a running mean, in one workgroup. Each invocation sums every n-th value, and the first one adds
 * up these sums.
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

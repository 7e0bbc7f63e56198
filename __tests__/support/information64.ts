const entropy = (probabilities: readonly number[]): number =>
  -probabilities.reduce((sum, p) => sum + (p === 0 ? 0 : p * Math.log(p)), 0);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mutual information of row and predicted class, divided by ln numClasses, in float64. @param rows probabilities. */
export function information64(rows: readonly (readonly number[])[]): number {
  const numClasses = rows[0]!.length;
  const meanProbabilities = Array.from({ length: numClasses }, (_, j) => mean(rows.map((row) => row[j]!)));
  return (entropy(meanProbabilities) - mean(rows.map(entropy))) / Math.log(numClasses);
}

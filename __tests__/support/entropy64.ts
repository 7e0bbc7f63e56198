/** Top-k entropy of one row of probabilities in float64, computed from its definition. */
export function entropyOfProbabilities(probabilities: readonly number[], k = 2): number {
  const largest = [...probabilities].sort((a, b) => b - a).slice(0, k);
  return -largest.reduce((sum, p) => sum + p * Math.log(p + 1e-10), 0);
}

export function softmax64(logits: readonly number[]): number[] {
  const max = Math.max(...logits);
  const exps = logits.map((logit) => Math.exp(logit - max));
  const sum = exps.reduce((total, value) => total + value, 0);
  return exps.map((value) => value / sum);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

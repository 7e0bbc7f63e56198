/** What `consensus` and `label_wave` compare, in float64. */
export type ComparesWith = 'previous' | 'consensus';

const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/**
 * Share of rows whose predicted class has changed, in float64, for each epoch; null for the first.
 *
 * @param epochs probabilities of the same rows at the end of each epoch.
 */
export function changes64(
  epochs: readonly (readonly (readonly number[])[])[],
  comparesWith: ComparesWith,
): (number | null)[] {
  let expected: number[][] | null = null;
  return epochs.map((rows) => {
    const former = expected;
    const share =
      former === null
        ? null
        : rows.filter((row, i) => argmax(row) !== argmax(former[i]!)).length / rows.length;
    expected = rows.map((row, i) =>
      row.map((p, j) =>
        comparesWith === 'previous' || former === null ? p : 0.7 * former[i]![j]! + 0.3 * p,
      ),
    );
    return share;
  });
}

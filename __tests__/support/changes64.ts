/** What `'label_wave'` (`'previous'`) and `'consensus'` compare an epoch with. */
export type ComparesWith = 'previous' | 'consensus';

const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/**
 * The share of rows whose predicted class has changed, in float64, for each epoch; null for the first.
 *
 * @param epochs the probabilities of the same rows at the end of each epoch.
 */
export function changes64(
  epochs: readonly (readonly (readonly number[])[])[],
  comparesWith: ComparesWith,
): (number | null)[] {
  let reference: number[][] | null = null;
  return epochs.map((rows) => {
    const previous = reference;
    const share =
      previous === null
        ? null
        : rows.filter((row, i) => argmax(row) !== argmax(previous[i]!)).length / rows.length;
    reference = rows.map((row, i) =>
      row.map((p, j) =>
        comparesWith === 'previous' || previous === null ? p : 0.7 * previous[i]![j]! + 0.3 * p,
      ),
    );
    return share;
  });
}

/** `85.65 %` of 0.8565. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** `40 %` of 0.4, `33.33 %` of a third: no more digits than it has, and two at most. */
export function shortPercent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

/** `5,000`, whatever the language of the machine. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `-1.50` of -0.015: a difference of shares in percentage points. */
export function points(difference: number): string {
  return (100 * difference).toFixed(2);
}

/** Formats 0.8565 as `85.65 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Formats 0.4 as `40 %` and a third as `33.33 %`: without trailing zeros, with at most two decimals. */
export function shortPercent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

/** Formats 5000 as `5,000`, whatever the system's language. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Formats a difference of shares in percentage points: -0.015 as `-1.50`. */
export function points(difference: number): string {
  return (100 * difference).toFixed(2);
}

/** The same with a sign: 0.015 as `+1.50`, and no difference as `0.00`. */
export function signedPoints(difference: number): string {
  const text = points(difference);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(?=0\.00$)/, '');
}

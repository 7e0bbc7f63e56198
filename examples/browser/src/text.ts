/** Formats 0.784 as `78.4 %`. */
export function percent(share: number, fractionDigits = 1): string {
  return `${(100 * share).toFixed(fractionDigits)} %`;
}

/** Formats a difference of shares, 0.14, as `+14.0 points`. */
export function points(difference: number): string {
  const rounded = (100 * difference).toFixed(1);
  const sign = Number(rounded) < 0 ? '−' : '+';
  return `${sign}${rounded.replace('-', '')} points`;
}

/** Formats an entropy as `0.6041`. */
export function nats(entropy: number | null): string {
  return entropy === null ? '–' : entropy.toFixed(4);
}

/** People count epochs from 1, TensorFlow.js counts from 0. */
export function epochNumber({ epoch }: { readonly epoch: number }): number {
  return epoch + 1;
}

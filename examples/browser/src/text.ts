/** Formats 0.784 as `78.4 %`. */
export function percent(share: number, fractionDigits = 1): string {
  return `${(100 * share).toFixed(fractionDigits)} %`;
}

/** Formats an entropy as `0.6041`. */
export function nats(entropy: number | null): string {
  return entropy === null ? '–' : entropy.toFixed(4);
}

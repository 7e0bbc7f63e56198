/** How weights are averaged over the steps of a training. */
export interface AveragingSettings {
  /** The share of the average that is left after one more epoch; above 0 and below 1. */
  readonly decay: number;
  /** How often the average is updated in an epoch; an integer from 1 up. */
  readonly updatesPerEpoch: number;
}

/** @param a null, as well as `b`: weights aren't averaged. */
export function areSameAveraging(a: AveragingSettings | null, b: AveragingSettings | null): boolean {
  return a?.decay === b?.decay && a?.updatesPerEpoch === b?.updatesPerEpoch;
}

/** The settings as a user writes them for `averageWeights`. */
export function textOfAveraging(settings: AveragingSettings | null): string {
  if (settings === null) return 'false';
  return `{ decay: ${settings.decay}, updatesPerEpoch: ${settings.updatesPerEpoch} }`;
}

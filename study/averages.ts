import type { AveragingSettings } from '../src/format/averaging-settings.js';

/** The averages of the weights that are compared on the tuning tasks: decay an epoch, and updates an epoch. */
export const AVERAGES = {
  '0.4 / 8': { decay: 0.4, updatesPerEpoch: 8 },
  '0.62 / 1': { decay: 0.62, updatesPerEpoch: 1 },
  '0.62 / 8': { decay: 0.62, updatesPerEpoch: 8 },
  '0.62 / every batch': { decay: 0.62, updatesPerEpoch: 1000 },
  '0.8 / 8': { decay: 0.8, updatesPerEpoch: 8 },
} as const satisfies Record<string, AveragingSettings>;

export type AverageName = keyof typeof AVERAGES;

export const AVERAGE_NAMES = Object.keys(AVERAGES) as AverageName[];

/** The default of `averageWeights`, which is recorded in every training. */
export const DEFAULT_AVERAGE: AverageName = '0.62 / 8';

import { createHash } from 'node:crypto';
import packageJson from '../../package.json' with { type: 'json' };
import type { NoiseName } from '../noisy-mnist/label-noise.js';

export const DATA_NAMES = ['blobs', 'mnist', 'fashion-mnist'] as const;
export type DataName = (typeof DATA_NAMES)[number];

export const MONITORS = ['val_acc', 'val_acc_and_loss', 'val_loss', 'consensus', 'entropy'] as const;
export type MonitorName = (typeof MONITORS)[number];

export const BACKENDS = ['wasm', 'cpu'] as const;

/** Everything that decides what a training computes. */
export interface TrainingSettings {
  readonly data: DataName;
  readonly noise: NoiseName;
  readonly seed: number;
  readonly monitor: MonitorName;
  readonly averageWeights: boolean;
  readonly epochs: number;
  /** How many rows it trains on. A third as many are for validation. */
  readonly rows: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly backend: (typeof BACKENDS)[number];
  /** Of the code: `CODE_VERSION`. */
  readonly code: string;
}

/** Raise it when you change what a training computes. */
const TRAINING_VERSION = 1;

/** Names the code that trains. What other code has begun isn't continued. */
export const CODE_VERSION = `${packageJson.version}/${TRAINING_VERSION}`;

/** What a grid varies, and what all its trainings have in common. */
export interface Grid extends Omit<TrainingSettings, 'data' | 'noise' | 'seed' | 'monitor' | 'code'> {
  readonly data: readonly DataName[];
  readonly noise: readonly NoiseName[];
  readonly seeds: readonly number[];
  readonly monitors: readonly MonitorName[];
}

/** Every combination of data, noise, seed and monitor, in this order. */
export function trainingsOf(grid: Grid): TrainingSettings[] {
  const { averageWeights, epochs, rows, batchSize, learningRate, backend } = grid;
  const common = { averageWeights, epochs, rows, batchSize, learningRate, backend, code: CODE_VERSION };
  return grid.data.flatMap((data) =>
    grid.noise.flatMap((noise) =>
      grid.seeds.flatMap((seed) =>
        grid.monitors.map((monitor) => ({ data, noise, seed, monitor, ...common })),
      ),
    ),
  );
}

/** Names a training within its sweep, such as `mnist-pair-45-val_acc-1`. */
export function idOf({ data, noise, monitor, seed }: TrainingSettings): string {
  return [data, noise, monitor, seed].join('-');
}

/** The name of a sweep's queue: each store has its own. @param store as the user names it. */
export function queueOf(store: string): string {
  return `sweep-${createHash('sha256').update(store.replace(/\/+$/, '')).digest('hex').slice(0, 12)}`;
}

/** A training that computes the same numbers in every process. */
export interface TrainingPlan {
  readonly name: string;
  /** Units of each layer, from the inputs to the classes. */
  readonly layers: readonly number[];
  readonly rows: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly monitor: string;
  readonly averageWeights?: boolean;
}

const SMALL = { layers: [8, 16, 4], rows: 48, epochs: 90, learningRate: 0.01 } as const;

/** Adam stores three numbers for each weight. Above 8 MiB, they take several weight files. */
export const KILL_PLANS: readonly TrainingPlan[] = [
  { ...SMALL, name: 'small, each epoch better', monitor: 'loss' },
  { ...SMALL, name: 'small, few epochs better', monitor: 'entropy' },
  { ...SMALL, name: 'small, averaged weights', monitor: 'val_entropy', averageWeights: true },
  {
    name: 'two weight files',
    layers: [96, 2048, 256],
    rows: 48,
    epochs: 40,
    learningRate: 3e-4,
    monitor: 'loss',
  },
  {
    name: 'four weight files',
    layers: [96, 2048, 1280],
    rows: 32,
    epochs: 16,
    learningRate: 3e-4,
    monitor: 'val_entropy',
  },
];

/** A checkpoint takes about 400 kB. */
export const DISK_PLAN: TrainingPlan = {
  name: 'for a small disk',
  layers: [64, 384, 16],
  rows: 48,
  epochs: 9,
  learningRate: 1e-3,
  monitor: 'loss',
};

/** The best epoch is not the last, so that five slots hold four epochs. */
export const DAMAGE_PLANS = {
  small: { ...SMALL, name: 'small', monitor: 'entropy', epochs: 10, learningRate: 0.03 },
  large: {
    name: 'several weight files',
    layers: [96, 2048, 256],
    rows: 48,
    epochs: 10,
    learningRate: 1e-3,
    monitor: 'entropy',
  },
} as const satisfies Record<string, TrainingPlan>;

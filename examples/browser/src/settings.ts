export const BACKEND_NAMES = ['webgpu', 'webgl', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

/** The monitors that the page offers. */
export const MONITOR_NAMES = ['entropy', 'consensus', 'label_wave', 'val_acc'] as const;
export type MonitorName = (typeof MONITOR_NAMES)[number];

/** A network, and how many images it learns. */
export interface Preset {
  readonly trainImages: number;
  readonly hiddenUnits: readonly number[];
  readonly batchSize: number;
  /** The learning rate of Adam. */
  readonly learningRate: number;
}

/** `small` takes seconds without a GPU. Each network is large enough to memorise its wrong labels. */
export const PRESETS = {
  small: { trainImages: 1000, hiddenUnits: [128, 64], batchSize: 32, learningRate: 0.001 },
  medium: { trainImages: 2500, hiddenUnits: [256, 128], batchSize: 64, learningRate: 0.0005 },
  large: { trainImages: 5000, hiddenUnits: [256, 128], batchSize: 64, learningRate: 0.0005 },
} as const satisfies Record<string, Preset>;
export type PresetName = keyof typeof PRESETS;

/** The last tenth of the training images is for validation, with noisy labels. */
export const VALIDATION_SPLIT = 0.1;

/** Everything that a training depends on: the same settings give the same epochs. */
export interface Settings {
  readonly backend: BackendName;
  readonly preset: PresetName;
  /** The share of wrong labels, 0…1. */
  readonly noise: number;
  readonly epochs: number;
  readonly monitor: MonitorName;
  /** Whether an average of the weights is validated, tested and kept. */
  readonly averageWeights: boolean;
  /** Below `epochs`. */
  readonly startFromEpoch: number;
  readonly seed: number;
}

/** Whether a stored value holds settings of this page. */
export function isSettings(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null) return false;
  const { backend, preset, noise, epochs, monitor, averageWeights, startFromEpoch, seed } = value as Record<
    string,
    unknown
  >;
  return (
    (BACKEND_NAMES as readonly unknown[]).includes(backend) &&
    typeof preset === 'string' &&
    Object.hasOwn(PRESETS, preset) &&
    (MONITOR_NAMES as readonly unknown[]).includes(monitor) &&
    typeof averageWeights === 'boolean' &&
    [noise, epochs, startFromEpoch, seed].every((number) => Number.isFinite(number))
  );
}

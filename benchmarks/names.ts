import type { BackendTarget } from '../backends/open-backend.js';

/** The backends that `--backends` takes, in the order in which they are measured. */
export const BACKENDS = {
  cpu: { runtime: 'node', backend: 'cpu' },
  wasm: { runtime: 'node', backend: 'wasm' },
  tensorflow: { runtime: 'node', backend: 'tensorflow' },
  'webgpu-node': { runtime: 'node', backend: 'webgpu' },
  webgl: { runtime: 'chromium', backend: 'webgl' },
  webgpu: { runtime: 'chromium', backend: 'webgpu' },
} as const satisfies Record<string, BackendTarget>;

export type BackendLabel = keyof typeof BACKENDS;

export const BACKEND_LABELS = Object.keys(BACKENDS) as BackendLabel[];

/** The parts that `--only` selects from. */
export const PARTS = ['fit', 'profile', 'kernel', 'memory', 'save', 'long', 'large'] as const;
export type Part = (typeof PARTS)[number];

export const WORKLOADS = ['dense', 'conv', 'classes', 'sequence'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** The ways to train that are compared. */
export const CONTENDERS = [
  'bare',
  'control',
  'callback',
  'consensus',
  'label_wave',
  'averaged',
  'stored',
  'predict-again',
  'keep-outputs',
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** The ways to compute the mean entropy of an epoch. */
export const MEMORY_METHODS = ['checkpoint', 'keep-outputs'] as const;
export type MemoryMethod = (typeof MEMORY_METHODS)[number];

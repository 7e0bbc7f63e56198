import type { BackendChoice } from '../backends/open-backend.js';

/** As `--backends` takes them, in the order in which they are measured. */
export const BACKENDS = {
  cpu: { place: 'node', backend: 'cpu' },
  wasm: { place: 'node', backend: 'wasm' },
  tensorflow: { place: 'node', backend: 'tensorflow' },
  'webgpu-node': { place: 'node', backend: 'webgpu' },
  webgl: { place: 'chromium', backend: 'webgl' },
  webgpu: { place: 'chromium', backend: 'webgpu' },
} as const satisfies Record<string, BackendChoice>;

export type BackendLabel = keyof typeof BACKENDS;

export const BACKEND_LABELS = Object.keys(BACKENDS) as BackendLabel[];

/** What `--only` chooses among. */
export const PARTS = ['fit', 'kernel', 'memory', 'save', 'large'] as const;
export type Part = (typeof PARTS)[number];

export const WORKLOADS = ['dense', 'conv', 'classes', 'sequence'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** Ways to train. */
export const CONTENDERS = [
  'bare',
  'control',
  'callback',
  'consensus',
  'label_wave',
  'stored',
  'predict-again',
  'keep-outputs',
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** Ways to come to the mean entropy of an epoch. */
export const MEMORY_WAYS = ['checkpoint', 'keep-outputs'] as const;
export type MemoryWay = (typeof MEMORY_WAYS)[number];

import type { BackendLabel } from '../names.js';

/** The backends that have a file system and train dense layers. */
export const SAVING_BACKENDS = ['cpu', 'wasm'] as const satisfies readonly BackendLabel[];
export type SavingBackend = (typeof SAVING_BACKENDS)[number];

/** The ways to train that are compared: without saving, and saving every epoch. */
export const SAVE_CONTENDERS = [
  'bare',
  'control',
  'not-stored',
  'stored',
  'stored-last',
  'model-save',
] as const;
export type SaveContenderName = (typeof SAVE_CONTENDERS)[number];

/** Training for a while, with and without a save. */
export type PauseMode = 'bare' | 'saving';

/** A training whose saves are measured after few epochs, or after many. */
export type TrainingLength = 'short' | 'long';

/**
 * How a large model is written and read: first by plain file operations, then by this package. `'skim'` reads
 * everything and keeps nothing.
 */
export const WRITE_METHODS = ['write', 'save'] as const;
export type WriteMethod = (typeof WRITE_METHODS)[number];
export const READ_METHODS = ['read', 'skim', 'load-new', 'load-given'] as const;
export type ReadMethod = (typeof READ_METHODS)[number];

/** The methods of this package. */
export const PACKAGE_METHODS = ['save', 'load-new', 'load-given'] as const;
export type PackageMethod = (typeof PACKAGE_METHODS)[number];

import type { EpochRecord } from 'tfjs-entropy-checkpoint';
import type { TrainingSettings } from './settings.js';

/** What a training has found. */
export interface TrainingResult {
  readonly id: string;
  readonly settings: TrainingSettings;
  readonly best: EpochRecord;
  readonly history: readonly EpochRecord[];
  /** On the clean test labels, 0…1: of the epoch that was kept. */
  readonly keptAccuracy: number;
  /** Of the last epoch. */
  readonly lastAccuracy: number;
  /** A checksum of every bit of the weights that were kept. */
  readonly keptWeights: string;
}

/** The JSON text of a result. The same settings give the same text, however often the training was interrupted. */
export function textOf(result: TrainingResult): string {
  // A record that was read from a checkpoint has its values in another order.
  return JSON.stringify(result, (_, value: unknown) => (isRecord(value) ? inOrder(value) : value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inOrder(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((name) => [name, record[name]]),
  );
}

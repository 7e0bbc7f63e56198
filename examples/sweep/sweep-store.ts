import type { CheckpointStore } from 'tfjs-entropy-checkpoint';

/** Where the checkpoints and results of a sweep are: a folder for each training. */
export interface SweepStore {
  /** For messages. */
  readonly name: string;
  /** @throws Error that says what to do, if it can't be used. */
  check(): Promise<void>;
  /** What `filepath` takes for the checkpoints of a training. */
  checkpointsOf(id: string): string | CheckpointStore;
  /** The text of a training's result; null as long as there's none. */
  readResult(id: string): Promise<string | null>;
  /** Stores a result where there's none: the first one stays. @returns whether it was the first. */
  addResult(id: string, text: string): Promise<boolean>;
}

export const RESULT_NAME = 'result.json';

const S3_URL = /^s3:\/\/([^/]+)(?:\/(.*?))?\/?$/;

/** @returns null for a text that is no `s3://bucket/prefix`. */
export function s3Location(store: string): { readonly bucket: string; readonly prefix: string } | null {
  const [, bucket, prefix = ''] = S3_URL.exec(store) ?? [];
  return bucket === undefined ? null : { bucket, prefix };
}

/**
 * @param store `s3://bucket/prefix`, or a folder of this machine.
 * @param leaseSeconds how long a training that isn't heard of keeps others from its checkpoints in an object store.
 */
export async function openStore(store: string, leaseSeconds: number): Promise<SweepStore> {
  const location = s3Location(store);
  if (location === null) {
    const { FolderSweepStore } = await import('./folder-sweep-store.js');
    return new FolderSweepStore(store);
  }
  const { S3SweepStore } = await import('./s3-sweep-store.js');
  return new S3SweepStore(location, leaseSeconds);
}

import { isObject } from '../../check-options.js';
import { EntropyCheckpointError } from '../../errors.js';
import { isShardFile } from '../file-names.js';
import { hasShape, isCount, isString, listOf, orNull, recordOf } from '../outside-data.js';
import { isCheckpointSlot, type CheckpointSlot } from '../store.js';
import type { S3Folder } from './s3-folder.js';

/** The object that says what is stored. Every commit replaces it, on the condition that nobody else has. */
export const INDEX_NAME = 'entropy-checkpoint.json';

/** The format of the index. A later version of this package that changes it counts on. */
const FORMAT = 1;

/** Far more than the names of a thousand large checkpoints. */
const MAX_INDEX_BYTES = 2 ** 25;

/** What a slot holds. */
export interface IndexedCheckpoint {
  /** The name of the object with the manifest. */
  readonly manifest: string;
  /** The names of the shards. */
  readonly shards: readonly string[];
}

/** What is stored under a prefix, and who may change it. */
export interface CheckpointIndex {
  /** Identifies the store that holds the lease: 16 hex digits. null: nobody does. */
  readonly owner: string | null;
  /** The lease ends so long after the index was last written, by the clock of the store. */
  readonly leaseSeconds: number;
  /** Counts the writes of an owner, so that no two are equal. */
  readonly revision: number;
  readonly slots: ReadonlyMap<CheckpointSlot, IndexedCheckpoint>;
}

/** An index as it was read. */
export interface ReadIndex extends CheckpointIndex {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

const MANIFEST_NAME = /^manifest\.[0-9a-f]{16}\.json$/;

/** Names a manifest by its content, so that it never changes. */
export function manifestName(sha256: string): string {
  return `manifest.${sha256.slice(0, 16)}.json`;
}

export function isManifestName(name: unknown): boolean {
  return typeof name === 'string' && MANIFEST_NAME.test(name);
}

export function encodeIndex({ owner, leaseSeconds, revision, slots }: CheckpointIndex): Uint8Array {
  const index = { format: FORMAT, owner, leaseSeconds, revision, slots: Object.fromEntries(slots) };
  return new TextEncoder().encode(JSON.stringify({ entropyCheckpointIndex: index }));
}

const isIndex = hasShape({
  format: (format) => format === FORMAT,
  owner: orNull(isString),
  leaseSeconds: isCount,
  revision: isCount,
  slots: (slots) =>
    recordOf(
      hasShape({
        manifest: isManifestName,
        shards: listOf((name) => isString(name) && isShardFile(name as string)),
      }),
    )(slots) && Object.keys(slots as object).every(isCheckpointSlot),
});

/**
 * @returns null where there is none.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
 */
export async function readIndex(folder: S3Folder): Promise<ReadIndex | null> {
  const found = await folder.get(INDEX_NAME, MAX_INDEX_BYTES);
  if (found === null) return null;
  const root = parse(found.bytes);
  const index = isObject(root) ? root['entropyCheckpointIndex'] : undefined;
  if (!isIndex(index)) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Expected ${folder.urlOf(INDEX_NAME)} to say which checkpoints are stored there, got other content. Use another ` +
        '`prefix`, or move that object away.',
    );
  }
  // The check above makes this cast safe.
  const { owner, leaseSeconds, revision, slots } = index as CheckpointIndex & { slots: object };
  const entries = Object.entries(slots) as [CheckpointSlot, IndexedCheckpoint][];
  return { owner, leaseSeconds, revision, slots: new Map(entries), ...found };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

import { assert } from 'chai';
import {
  SHARD_BYTES,
  type CheckpointManifest,
  type CheckpointSource,
  type CheckpointStore,
  type Json,
  type ShardSpec,
  type CheckpointSlot,
  type StoredCheckpoint,
} from '../../../src/stores/store.js';

/** A whole checkpoint, in memory. */
export interface Sample {
  readonly manifest: CheckpointManifest;
  readonly bytes: Uint8Array;
}

export interface SampleSizes {
  /** Of the largest of the weights, in elements of 4 bytes. */
  readonly elements?: number;
  /** Of each shard; the last may have fewer. */
  readonly shardBytes?: number;
  /** How many of the shards, from the first on, are the same in every step. */
  readonly frozenShards?: number;
}

/** The checkpoint of one step: no byte of its manifest and few of its weights are those of another step. */
export async function sampleOf(step: number, sizes: SampleSizes = {}): Promise<Sample> {
  const { elements = 1000, shardBytes = 999, frozenShards = 0 } = sizes;
  const weightSpecs = [
    { name: 'none', shape: [0, 4], dtype: 'float32' as const },
    { name: 'odd', shape: [3], dtype: 'bool' as const },
    { name: 'large', shape: [elements, 1], dtype: 'float32' as const, group: 'optimizer' as const },
    { name: 'größe/"ß"', shape: [], dtype: 'int32' as const },
  ];
  const bytes = new Uint8Array(3 + elements * 4 + 4);
  fill(bytes.subarray(0, frozenShards * shardBytes), 0);
  fill(bytes.subarray(frozenShards * shardBytes), step);
  const shards: ShardSpec[] = [];
  for (let start = 0; start < bytes.length; start += shardBytes) {
    const shard = bytes.subarray(start, start + shardBytes);
    shards.push({ sizeBytes: shard.length, sha256: await sha256(shard) });
  }
  return { bytes, manifest: headOf(step, weightSpecs, shards) };
}

/** One that has no weights, or none with an element. */
export function emptySample(): Sample {
  const weightSpecs = [{ name: 'none', shape: [0, 4], dtype: 'float32' as const }];
  return { bytes: new Uint8Array(), manifest: headOf(1, weightSpecs, []) };
}

function headOf(
  step: number,
  weightSpecs: CheckpointManifest['weightSpecs'],
  shards: readonly ShardSpec[],
): CheckpointManifest {
  return {
    modelTopology: { class_name: 'Sequential', config: { name: `größe "${step}"`, layers: [] } },
    weightSpecs,
    generatedBy: `TensorFlow.js tfjs-layers v${step}`,
    metadata: {
      mine: { nested: [step, null, true, '\u2028'] },
      entropyCheckpoint: { step, entropy: 0.6931471805599453, shards: shards.map((shard) => ({ ...shard })) },
    },
    shards,
  };
}

/** Every byte depends on its place, so that a shard which is in another's place is seen. */
function fill(bytes: Uint8Array, step: number): void {
  // Of the global object, Jest makes the look-up slow.
  const { imul } = Math;
  let state = imul(step, 2654435761) + 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What may happen while a source is read; what is thrown comes out of the source. */
export interface Happenings {
  readonly beforeShard?: (index: number) => void | Promise<void>;
  readonly beforeChecksum?: (index: number) => void | Promise<void>;
  readonly beforeHead?: () => void | Promise<void>;
  /** In place of the sample's own. */
  readonly manifest?: CheckpointManifest;
}

/** A sample on its way into a store. Refuses to be read in another way than stores may. */
export function sourceOf({ manifest, bytes }: Sample, happenings: Happenings = {}): CheckpointSource {
  let position = 0;
  let index = 0;
  let isReading = false;
  return {
    sizeBytes: bytes.length,
    async readShard(buffer) {
      assert.isFalse(isReading, 'two shards are read at once');
      assert.isAtLeast(buffer.length, Math.min(SHARD_BYTES, bytes.length));
      isReading = true;
      await happenings.beforeShard?.(index);
      isReading = false;
      const shard = manifest.shards[index];
      if (shard === undefined) return null;
      const { sizeBytes } = shard;
      buffer.set(bytes.subarray(position, position + sizeBytes));
      position += sizeBytes;
      return { sizeBytes, sha256: checksumOf(buffer, shard, index++) };
    },
    async manifest() {
      assert.equal(index, manifest.shards.length, 'the manifest is read before the last shard');
      await happenings.beforeHead?.();
      return happenings.manifest ?? manifest;
    },
  };

  async function checksumOf(buffer: Uint8Array<ArrayBuffer>, shard: ShardSpec, at: number): Promise<string> {
    const before = buffer.slice(0, shard.sizeBytes);
    await happenings.beforeChecksum?.(at);
    assert.equal(
      await sha256(buffer.slice(0, shard.sizeBytes)),
      await sha256(before),
      'the buffer was reused',
    );
    return shard.sha256;
  }
}

/** A copy of `manifest` with other metadata. */
export function withMetadata(
  manifest: CheckpointManifest,
  metadata: Record<string, Json>,
): CheckpointManifest {
  return { ...manifest, metadata: { ...manifest.metadata, ...metadata } };
}

/** Compares all of a checkpoint, and leaves it open. */
export async function assertIs(stored: StoredCheckpoint | null, { manifest, bytes }: Sample): Promise<void> {
  assert.isNotNull(stored);
  assert.deepEqual(stored.manifest, manifest);
  const found = new Uint8Array(bytes.length);
  await stored.read(0, found);
  // Not one by one: the message would have millions of numbers.
  assert.isTrue(sameBytes(found, bytes), 'the weights are not those that were saved');
}

/** Makes sure that a slot holds `sample`, whole; or nothing. */
export async function assertHolds(
  store: CheckpointStore,
  sample: Sample | null,
  slot: CheckpointSlot = 'best',
): Promise<void> {
  const stored = await store.load(slot);
  try {
    if (sample === null) assert.isNull(stored, `slot '${slot}' is not empty`);
    else await assertIs(stored, sample);
  } finally {
    await stored?.close();
  }
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

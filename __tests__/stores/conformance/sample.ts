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

/** A checkpoint in memory. */
export interface Sample {
  readonly manifest: CheckpointManifest;
  readonly bytes: Uint8Array;
}

export interface SampleSizes {
  /** The size of the largest weight, in elements of 4 bytes. */
  readonly elements?: number;
  /** The size of each shard. The last may be smaller. */
  readonly shardBytes?: number;
  /** How many of the first shards are equal in every step. */
  readonly frozenShards?: number;
}

/** Makes the checkpoint of a step. Every part of its manifest and almost every weight byte depends on the step. */
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
  return { bytes, manifest: manifestOf(step, weightSpecs, shards) };
}

/** A checkpoint whose only weight has no elements. */
export function emptySample(): Sample {
  const weightSpecs = [{ name: 'none', shape: [0, 4], dtype: 'float32' as const }];
  return { bytes: new Uint8Array(), manifest: manifestOf(1, weightSpecs, []) };
}

function manifestOf(
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

/** Every byte depends on its position, so that swapped shards are noticed. */
function fill(bytes: Uint8Array, step: number): void {
  // Jest makes look-ups in the global object slow.
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

/** Hooks that run while a source is read. What they throw, the source throws. */
export interface SourceHooks {
  readonly beforeShard?: (index: number) => void | Promise<void>;
  readonly beforeChecksum?: (index: number) => void | Promise<void>;
  readonly beforeManifest?: () => void | Promise<void>;
  /** Replaces the manifest of the sample. */
  readonly manifest?: CheckpointManifest;
}

/** The source of a sample. It asserts that the store follows the rules of `CheckpointSource`. */
export function sourceOf({ manifest, bytes }: Sample, hooks: SourceHooks = {}): CheckpointSource {
  let position = 0;
  let index = 0;
  let isReading = false;
  return {
    sizeBytes: bytes.length,
    async readShard(buffer) {
      assert.isFalse(isReading, 'the store reads two shards at once');
      assert.isAtLeast(buffer.length, Math.min(SHARD_BYTES, bytes.length));
      isReading = true;
      await hooks.beforeShard?.(index);
      isReading = false;
      const shard = manifest.shards[index];
      if (shard === undefined) return null;
      const { sizeBytes } = shard;
      buffer.set(bytes.subarray(position, position + sizeBytes));
      position += sizeBytes;
      return { sizeBytes, sha256: checksumOf(buffer, shard, index++) };
    },
    async manifest() {
      assert.equal(index, manifest.shards.length, 'the store reads the manifest before the last shard');
      await hooks.beforeManifest?.();
      return hooks.manifest ?? manifest;
    },
  };

  async function checksumOf(buffer: Uint8Array<ArrayBuffer>, shard: ShardSpec, at: number): Promise<string> {
    const before = buffer.slice(0, shard.sizeBytes);
    await hooks.beforeChecksum?.(at);
    assert.equal(
      await sha256(buffer.slice(0, shard.sizeBytes)),
      await sha256(before),
      'the store reused the buffer too early',
    );
    return shard.sha256;
  }
}

/** A copy of `manifest` with `metadata` merged into its own. */
export function withMetadata(
  manifest: CheckpointManifest,
  metadata: Record<string, Json>,
): CheckpointManifest {
  return { ...manifest, metadata: { ...manifest.metadata, ...metadata } };
}

/** Asserts that a stored checkpoint equals the sample. Leaves it open. */
export async function assertMatches(
  stored: StoredCheckpoint | null,
  { manifest, bytes }: Sample,
): Promise<void> {
  assert.isNotNull(stored);
  assert.deepEqual(stored.manifest, manifest);
  const found = new Uint8Array(bytes.length);
  await stored.read(0, found);
  // Not with `deepEqual`: its message would contain millions of numbers.
  assert.isTrue(sameBytes(found, bytes), 'the weights differ from those that were saved');
}

/** Asserts that a slot holds exactly `sample`, or nothing where it is null. */
export async function assertStored(
  store: CheckpointStore,
  sample: Sample | null,
  slot: CheckpointSlot = 'best',
): Promise<void> {
  const stored = await store.load(slot);
  try {
    if (sample === null) assert.isNull(stored, `slot '${slot}' is not empty`);
    else await assertMatches(stored, sample);
  } finally {
    await stored?.close();
  }
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

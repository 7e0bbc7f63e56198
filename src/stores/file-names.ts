import { isCheckpointSlot, type ShardSpec, type CheckpointSlot } from './store.js';

const SHARD_FILE = /^weights\.[0-9a-f]{16}\.bin$/;

/** `model.json`, where TensorFlow.js looks for a model, for `best`; a name beside it for any other slot. */
export function slotFileName(slot: CheckpointSlot): string {
  return slot === 'best' ? 'model.json' : `model.${slot}.json`;
}

/** The slot of a file name, or null if it isn't one of a slot. */
export function slotOfFile(name: string): CheckpointSlot | null {
  // Most files are shards.
  if (!name.startsWith('model.')) return null;
  const slot = name === 'model.json' ? 'best' : (/^model\.(.+)\.json$/.exec(name)?.[1] ?? '');
  return isCheckpointSlot(slot) && slotFileName(slot) === name ? slot : null;
}

/** Names a shard by its content, so that a new shard never replaces another that a slot still names. */
export function shardFileName({ sha256 }: Pick<ShardSpec, 'sha256'>): string {
  return `weights.${sha256.slice(0, 16)}.bin`;
}

export function isShardFile(name: string): boolean {
  return SHARD_FILE.test(name);
}

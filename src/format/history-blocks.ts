import type { EpochRecord } from '../epoch-record.js';
import { Pacer } from '../platform/event-loop.js';
import { sha256 } from '../platform/sha256.js';
import { encodeText } from '../platform/utf8.js';
import { SHARD_BYTES, type SharedShard } from '../stores/store.js';
import { recordLine } from './history-text.js';

/**
 * How many epochs a block holds: the largest first. Four blocks of a size make one of the next, so even a million epochs
 * are some 130 blocks, and an epoch is written five times in all.
 */
const BLOCK_EPOCHS = [8192, 2048, 512, 128, 32];
/** A tensor of int32 holds the bytes. */
const BYTES_PER_ELEMENT = 4;

/** The history of a checkpoint: its first epochs in separate shards, the others in the manifest. */
export interface EncodableHistory {
  /** How many epochs the shards hold. */
  readonly numEarlier: number;
  /** The epochs after those; fewer than 32. */
  readonly recent: readonly EpochRecord[];
  /** Encodes what no earlier checkpoint has encoded. */
  readonly shards: () => Promise<readonly SharedShard[]>;
}

interface Block {
  readonly start: number;
  readonly end: number;
}

/**
 * The history of one training in blocks. A full block never changes: it's encoded once, and all checkpoints share it. So
 * the cost of a save does not grow with the number of epochs.
 */
export class HistoryBlocks {
  #history: readonly EpochRecord[] = [];
  /** Of the checkpoint that was encoded last, by block. */
  #shards: ReadonlyMap<string, readonly SharedShard[]> = new Map();

  /**
   * The first epochs of a history.
   *
   * @param history only ever grows. With another one than before, all blocks are encoded anew.
   */
  upTo(history: readonly EpochRecord[], numEpochs: number): EncodableHistory {
    if (history !== this.#history) this.#shards = new Map();
    this.#history = history;
    const blocks = blocksOf(numEpochs);
    const numEarlier = blocks.at(-1)?.end ?? 0;
    let shards: Promise<readonly SharedShard[]> | null = null;
    return {
      numEarlier,
      recent: history.slice(numEarlier, numEpochs),
      shards: () => (shards ??= this.#encode(history, blocks)),
    };
  }

  async #encode(history: readonly EpochRecord[], blocks: readonly Block[]): Promise<readonly SharedShard[]> {
    const shards = new Map<string, readonly SharedShard[]>();
    for (const block of blocks) {
      const key = `${block.start}–${block.end}`;
      shards.set(key, this.#shards.get(key) ?? (await shardsOf(history, block)));
    }
    this.#shards = shards;
    return [...shards.values()].flat();
  }
}

function blocksOf(numEpochs: number): Block[] {
  const blocks: Block[] = [];
  let start = 0;
  for (const size of BLOCK_EPOCHS) {
    for (; start + size <= numEpochs; start += size) blocks.push({ start, end: start + size });
  }
  return blocks;
}

/** Most blocks are one shard. Records with hundreds of logged values take more. */
async function shardsOf(history: readonly EpochRecord[], block: Block): Promise<SharedShard[]> {
  const bytes = await bytesOf(history, block);
  const shards: SharedShard[] = [];
  for (let from = 0; from < bytes.length; from += SHARD_BYTES) {
    const shard = bytes.slice(from, from + SHARD_BYTES);
    shards.push({
      sizeBytes: shard.length,
      sha256: await sha256(shard),
      // Not kept: a long history takes hundreds of MB.
      bytes: async () => (await bytesOf(history, block)).slice(from, from + SHARD_BYTES),
    });
  }
  return shards;
}

async function bytesOf(
  history: readonly EpochRecord[],
  { start, end }: Block,
): Promise<Uint8Array<ArrayBuffer>> {
  const pacer = new Pacer();
  const lines: Uint8Array[] = [];
  let length = 0;
  for (let i = start; i < end; i++) {
    const line = encodeText(recordLine(history[i]!));
    lines.push(line);
    length += line.length;
    if (pacer.isDue) await pacer.yieldIfDue();
  }
  // Empty lines at the end.
  const padded = Math.ceil(length / BYTES_PER_ELEMENT) * BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(padded).fill(10, length);
  let position = 0;
  for (const line of lines) {
    bytes.set(line, position);
    position += line.length;
  }
  return bytes;
}

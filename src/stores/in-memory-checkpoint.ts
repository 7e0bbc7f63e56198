import { partsOfRange } from './byte-range.js';
import type { CheckpointManifest, StoredCheckpoint } from './store.js';

/** A checkpoint whose weights are in host memory. */
export class InMemoryCheckpoint implements StoredCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  /** Null once closed: whoever keeps this object must not keep the memory. */
  #pieces: readonly Uint8Array[] | null;

  /** @param pieces the bytes of all weights in order, not copied and not changed; cut at any place. */
  constructor(manifest: CheckpointManifest, pieces: readonly Uint8Array[], name: string) {
    this.manifest = manifest;
    this.#pieces = pieces;
    this.name = name;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects.
  async read(position: number, bytes: Uint8Array): Promise<void> {
    if (this.#pieces === null) throw new Error(`The checkpoint of ${this.name} has been closed.`);
    const pieces = this.#pieces;
    const sizes = pieces.map((piece) => piece.length);
    for (const { piece, from, to, offset } of partsOfRange(sizes, position, bytes.length)) {
      bytes.set(pieces[piece]!.subarray(from, to), offset);
    }
  }

  shardName(index: number): string {
    return `shard ${index} of ${this.name}`;
  }

  close(): Promise<void> {
    this.#pieces = null;
    return Promise.resolve();
  }
}

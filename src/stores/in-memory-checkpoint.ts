import { partsOfRange } from './byte-range.js';
import type { CheckpointManifest, StoredCheckpoint } from './store.js';

/** A checkpoint whose weights are in host memory. */
export class InMemoryCheckpoint implements StoredCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  /** Null once closed, so that a reference to this object doesn't keep the memory. */
  #pieces: readonly Uint8Array[] | null;

  /** @param pieces the bytes of all weights in order, cut anywhere. They're neither copied nor changed. */
  constructor(manifest: CheckpointManifest, pieces: readonly Uint8Array[], name: string) {
    this.manifest = manifest;
    this.#pieces = pieces;
    this.name = name;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw.
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

import { settleAll } from '../settle-all.js';

/** How many uploads are under way at once. Each holds a copy of its bytes. */
const MAX_UPLOADS = 4;

/** Uploads that run side by side. After a failure no other starts. */
export class Uploads {
  readonly #upload: (name: string, bytes: Uint8Array) => Promise<void>;
  readonly #all: Promise<void>[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #names = new Set<string>();
  #failure: { readonly error: unknown } | null = null;

  constructor(upload: (name: string, bytes: Uint8Array) => Promise<void>) {
    this.#upload = upload;
  }

  /** Starts an upload, once one may start. Equal names have equal bytes: those are uploaded once. */
  async start(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    const copy = bytes.slice();
    while (this.#pending.size >= MAX_UPLOADS && this.#failure === null) await Promise.race(this.#pending);
    if (this.#failure !== null) throw this.#failure.error;
    const upload = this.#upload(name, copy);
    const ended = upload.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#pending.add(ended);
    void ended.then(() => this.#pending.delete(ended));
    this.#all.push(upload);
  }

  /** Resolves when every upload has succeeded. Nothing is running when it rejects. */
  async ended(): Promise<void> {
    await settleAll(this.#all);
  }
}

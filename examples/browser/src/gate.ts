/** Where a training waits while it is paused. */
export class Gate {
  #opened: Promise<void> = Promise.resolve();
  #release: (() => void) | null = null;

  get isOpen(): boolean {
    return this.#release === null;
  }

  close(): void {
    if (!this.isOpen) return;
    this.#opened = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  open(): void {
    this.#release?.();
    this.#release = null;
  }

  /** Resolves as soon as the gate is open. */
  passed(): Promise<void> {
    return this.#opened;
  }
}

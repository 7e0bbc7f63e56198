/** Where a paused training waits. */
export class Gate {
  #opened: Promise<void> = Promise.resolve();
  #resolveOpened: (() => void) | null = null;

  get isOpen(): boolean {
    return this.#resolveOpened === null;
  }

  close(): void {
    if (!this.isOpen) return;
    this.#opened = new Promise((resolve) => {
      this.#resolveOpened = resolve;
    });
  }

  open(): void {
    this.#resolveOpened?.();
    this.#resolveOpened = null;
  }

  /** Resolves once the gate is open. */
  whenOpen(): Promise<void> {
    return this.#opened;
  }
}

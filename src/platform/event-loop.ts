/** How long one piece of work may hold the event loop, in milliseconds: a quarter of a frame. */
const TURN_MS = 4;

/** Lets the event loop come round while something long is done in small steps. */
export class Pacer {
  #startMs = performance.now();

  /** Whether it is time to `yieldIfDue`: for steps so small that a promise each would take longer. */
  get isDue(): boolean {
    return performance.now() - this.#startMs >= TURN_MS;
  }

  /** To be awaited between two steps. Most of the time it is nothing. */
  async yieldIfDue(): Promise<void> {
    if (!this.isDue) return;
    await nextTurn();
    this.#startMs = performance.now();
  }
}

/**
 * Resolves when the event loop has come round. Neither a timer, which may take a second in a page that is
 * hidden, nor an animation frame, which may not come at all there.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if ('setImmediate' in globalThis) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

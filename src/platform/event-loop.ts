/** How long one piece of work may hold the event loop, in milliseconds: a quarter of a frame. */
const TURN_MS = 4;

/** Lets other tasks run during long work that is done in small steps. */
export class Pacer {
  #startMs = performance.now();

  /** Whether `yieldIfDue` would yield. Check it first where a promise for each step would take longer than the step. */
  get isDue(): boolean {
    return performance.now() - this.#startMs >= TURN_MS;
  }

  /** Await this between two steps. Most of the time it does nothing. */
  async yieldIfDue(): Promise<void> {
    if (!this.isDue) return;
    await nextTurn();
    this.#startMs = performance.now();
  }
}

/**
 * Resolves after one turn of the event loop. In a hidden page, a timer may take a second, and an animation frame may
 * never come; so this uses a timer only where there's nothing else.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    if (typeof MessageChannel !== 'function') {
      // jsdom has neither of the two.
      setTimeout(resolve, 0);
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

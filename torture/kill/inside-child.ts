/** Tells the parent, before anything else happens: on Linux and macOS the pipe takes it at once. */
export function report(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * Resolves with what the parent orders, once everything is ready. A child does not outlive its parent, however
 * that one ends.
 */
export function nextOrder<Order>(): Promise<Order> {
  process.once('disconnect', () => process.exit());
  report({ ready: true });
  return new Promise((resolve) => {
    process.once('message', (order) => {
      resolve(order as Order);
    });
  });
}

/** Reports to the parent before anything else happens: on Linux and macOS a write to a pipe is synchronous. */
export function report(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Reports that this process is ready, and resolves with the parent's order. This process ends when its parent ends. */
export function waitForOrder<Order>(): Promise<Order> {
  process.once('disconnect', () => process.exit());
  report({ ready: true });
  return new Promise((resolve) => {
    process.once('message', (order) => {
      resolve(order as Order);
    });
  });
}

/** Ctrl-C reaches every process of a terminal, and programs pass it on: what comes in this time is one request. */
const SAME_REQUEST_MS = 1000;
/** Status of a process that was interrupted. */
export const INTERRUPTED = 130;

/**
 * Calls `stop` once when this process is asked to end, by Ctrl-C, SIGTERM or the end of the process that started it. Who asks
 * again doesn't want to wait: then it ends at once.
 */
export function onStopRequest(stop: () => void): void {
  let firstMs: number | null = null;
  const request = (): void => {
    if (firstMs === null) {
      firstMs = performance.now();
      stop();
    } else if (performance.now() - firstMs > SAME_REQUEST_MS) process.exit(INTERRUPTED);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, request);
  process.once('disconnect', () => {
    if (firstMs === null) request();
  });
}

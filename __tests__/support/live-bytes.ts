import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

declare global {
  var Bun: { gc(isSynchronous: boolean): void } | undefined;
}

/** The memory of this thread's JavaScript that is in use once all garbage is collected, in bytes. */
export function liveBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collectGarbage(): void {
  if (globalThis.Bun !== undefined) {
    globalThis.Bun.gc(true);
    return;
  }
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

import { createResponder } from './answer-requests.js';
import type { Answer, Request } from './request.js';
import type { EntryModule } from './start-backend.js';

/** Called from outside of the page. */
declare global {
  var answerBackendRequest: ((request: Request) => Promise<Answer>) | undefined;
}

/** @param loadEntry written into the bundle for one entry module. */
export function runInPage(loadEntry: () => Promise<EntryModule>): void {
  globalThis.answerBackendRequest = createResponder({
    async prepare(backend) {
      if (backend !== 'wasm') return;
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      setWasmPaths('/wasm/');
    },
    loadEntry,
  });
}

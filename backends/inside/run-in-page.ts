import { createResponder } from './answer-requests.js';
import type { Answer, Request } from './request.js';
import type { EntryModule } from './start-backend.js';

/** Called from outside the page. */
declare global {
  var answerBackendRequest: ((request: Request) => Promise<Answer>) | undefined;
}

/** @param loadEntry imports the entry module that is in the bundle. */
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

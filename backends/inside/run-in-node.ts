import * as tf from '@tensorflow/tfjs';
import { createResponder } from './answer-requests.js';
import type { Request } from './request.js';
import type { EntryModule } from './start-backend.js';

const respond = createResponder({
  async prepare(backend, requireGpu) {
    if (backend === 'tensorflow') await importTfjsNode(requireGpu);
    if (backend !== 'webgpu') return;
    const { create, globals } = await import('webgpu');
    // Node 20 has no `navigator`. Later versions have one without `gpu`.
    const { navigator = {} } = globalThis as { navigator?: object };
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
    Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });
  },

  async loadEntry(url) {
    return (await import(url)) as EntryModule;
  },
});

async function importTfjsNode(requireGpu: boolean): Promise<void> {
  const name = `@tensorflow/tfjs-node${requireGpu ? '-gpu' : ''}`;
  try {
    await import(name);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Install tfjs-node with \`npm run native\`: ${name} could not be loaded. ${message}`, {
      cause,
    });
  }
  const { isUsingGpuDevice } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  if (requireGpu && !isUsingGpuDevice) throw new Error(`${name} found no GPU.`);
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  void respond(request).then((answer) => process.send?.({ id, answer }));
});

// The connection was closed, or the parent has ended.
process.once('disconnect', () => {
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  // Dawn keeps the process alive as long as something refers to it.
  if (navigator !== undefined) delete navigator.gpu;
  process.exit();
});

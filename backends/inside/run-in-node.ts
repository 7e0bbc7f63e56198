import * as tf from '@tensorflow/tfjs';
import { createResponder } from './answer-requests.js';
import type { Request } from './request.js';
import type { EntryModule } from './start-backend.js';

const respond = createResponder({
  async prepare(backend, requireGpu) {
    if (backend === 'tensorflow') await importTfjsNode(requireGpu);
    if (backend !== 'webgpu') return;
    const { create, globals } = await import('webgpu');
    // Node 20 has no `navigator`; later ones have one without `gpu`.
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
    throw new Error(`${name} does not load; \`npm run native\` installs tfjs-node. ${message}`, { cause });
  }
  const { isUsingGpuDevice } = tf.backend() as unknown as { isUsingGpuDevice: boolean };
  if (requireGpu && !isUsingGpuDevice) throw new Error(`${name} has found no GPU.`);
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  void respond(request).then((answer) => process.send?.({ id, answer }));
});

// Closed, or the parent is gone.
process.once('disconnect', () => {
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  // Dawn keeps the process alive as long as it is referred to.
  if (navigator !== undefined) delete navigator.gpu;
  process.exit();
});

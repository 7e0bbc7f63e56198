import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendTarget, type OpenBackend } from '../../backends/open-backend.js';
import { EntropyCheckpointError } from '../../src/errors.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

const TARGETS: readonly (BackendTarget & { readonly description: RegExp; readonly store: string })[] = [
  { runtime: 'node', backend: 'cpu', description: /^cpu in Node$/, store: 'folder "x"' },
  { runtime: 'node', backend: 'wasm', description: /^wasm in Node, SIMD, no threads$/, store: 'folder "x"' },
  { runtime: 'node', backend: 'webgpu', description: /^webgpu in Node, \w.*$/, store: 'folder "x"' },
  { runtime: 'chromium', backend: 'cpu', description: /^cpu in Chromium$/, store: 'indexeddb://x' },
  { runtime: 'chromium', backend: 'wasm', description: /^wasm in Chromium, SIMD,/, store: 'indexeddb://x' },
  { runtime: 'chromium', backend: 'webgl', description: /^webgl in Chromium, \w.*$/, store: 'indexeddb://x' },
  {
    runtime: 'chromium',
    backend: 'webgpu',
    description: /^webgpu in Chromium, \w.*$/,
    store: 'indexeddb://x',
  },
];

describe.each(TARGETS)('$backend in $runtime', ({ runtime, backend, description, store }) => {
  let opened: OpenBackend;

  beforeAll(async () => {
    opened = await openBackend({ runtime, backend }, entry);
  });

  afterAll(async () => {
    await opened.close();
  });

  test('computes on that backend', async () => {
    const matrix = [
      [1, 0.5],
      [-2, 3],
    ];
    expect(await opened.call('product', matrix)).toEqual({ backend, values: [-3, 6.5, -5, 13.5] });
  });

  test('has a description', () => {
    expect(opened.description).toMatch(description);
  });

  test('resolves conditional imports for that runtime', async () => {
    expect(await opened.call('storeFor', 'x')).toBe(store);
  });

  test('reads a tensor synchronously where it has a canvas for that', async () => {
    const matrix = [
      [2, -1],
      [0.25, 4],
    ];
    const values = opened.call('productSync', matrix);
    // tfjs reads a WebGPU tensor synchronously by drawing it on a canvas.
    if (runtime === 'node' && backend === 'webgpu') await expect(values).rejects.toThrow('OffscreenCanvas');
    else expect(await values).toEqual([2.5, 7, 7, 13]);
  });

  test('passes on an error', async () => {
    const { code, name, message } = new EntropyCheckpointError('ENTROPY_NO_BEST', 'one');
    const thrown: unknown = await opened.call('throwError', 'one').catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toMatchObject({ code, name, message, stack: expect.stringContaining('at throwError (') });
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendChoice, type OpenBackend } from '../../backends/open-backend.js';
import { EntropyCheckpointError } from '../../src/errors.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

const CHOICES: readonly (BackendChoice & { readonly description: RegExp; readonly store: string })[] = [
  { place: 'node', backend: 'cpu', description: /^cpu in Node$/, store: 'folder "x"' },
  { place: 'node', backend: 'wasm', description: /^wasm in Node, SIMD, no threads$/, store: 'folder "x"' },
  { place: 'node', backend: 'webgpu', description: /^webgpu in Node, \w.*$/, store: 'folder "x"' },
  { place: 'chromium', backend: 'cpu', description: /^cpu in Chromium$/, store: 'indexeddb://x' },
  { place: 'chromium', backend: 'wasm', description: /^wasm in Chromium, SIMD,/, store: 'indexeddb://x' },
  { place: 'chromium', backend: 'webgl', description: /^webgl in Chromium, \w.*$/, store: 'indexeddb://x' },
  { place: 'chromium', backend: 'webgpu', description: /^webgpu in Chromium, \w.*$/, store: 'indexeddb://x' },
];

describe.each(CHOICES)('$backend in $place', ({ place, backend, description, store }) => {
  let opened: OpenBackend;

  beforeAll(async () => {
    opened = await openBackend({ place, backend }, entry);
  });

  afterAll(async () => {
    await opened.close();
  });

  test('is the one that computes', async () => {
    const matrix = [
      [1, 0.5],
      [-2, 3],
    ];
    expect(await opened.call('product', matrix)).toEqual({ backend, values: [-3, 6.5, -5, 13.5] });
  });

  test('is described', () => {
    expect(opened.description).toMatch(description);
  });

  test('is used by a package that has a part for it', async () => {
    expect(await opened.call('storeFor', 'x')).toBe(store);
  });

  test('is read without waiting, where there is a canvas for it', async () => {
    const matrix = [
      [2, -1],
      [0.25, 4],
    ];
    const values = opened.call('productSync', matrix);
    // tfjs draws on one to read from a WebGPU device.
    if (place === 'node' && backend === 'webgpu') await expect(values).rejects.toThrow('OffscreenCanvas');
    else expect(await values).toEqual([2.5, 7, 7, 13]);
  });

  test('passes an error on', async () => {
    const { code, name, message } = new EntropyCheckpointError('ENTROPY_NO_BEST', 'one');
    const thrown: unknown = await opened.call('throwError', 'one').catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toMatchObject({ code, name, message, stack: expect.stringContaining('at throwError (') });
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendTarget, type OpenBackend } from '../../backends/open-backend.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

const TARGETS: readonly (BackendTarget & { readonly message: RegExp })[] = [
  { runtime: 'node', backend: 'webgpu', message: /Error while parsing WGSL[^]*this is no WGSL/ },
  { runtime: 'chromium', backend: 'webgpu', message: /Error while parsing WGSL[^]*this is no WGSL/ },
  { runtime: 'chromium', backend: 'webgl', message: /Failed to compile fragment shader[^]*this is no GLSL/ },
];

describe.each(TARGETS)('a broken shader on $backend in $runtime', ({ runtime, backend, message }) => {
  let opened: OpenBackend;

  beforeAll(async () => {
    opened = await openBackend({ runtime, backend }, entry);
  });

  afterAll(async () => {
    await opened.close();
  });

  test('rejects the call that runs it, with the compiler message', async () => {
    await expect(opened.call('runBrokenShader', [1, 2, 3], true)).rejects.toThrow(message);
  });

  test('also rejects a call that does not read its result', async () => {
    await expect(opened.call('runBrokenShader', [4, 5], false)).rejects.toThrow(/invalid|compile/i);
  });

  test('rejects no other call', async () => {
    const broken = opened.call('runBrokenShader', [6], false).catch((error: unknown) => error);
    const matrix = [
      [7, 0],
      [0, 8],
    ];
    expect(await opened.call('product', matrix)).toEqual({ backend, values: [7, 16, 21, 32] });
    expect(await broken).toBeInstanceOf(Error);
  });
});

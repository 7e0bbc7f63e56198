import { afterEach, expect, test } from '@jest/globals';
import { openBackend, type BackendTarget } from '../../backends/open-backend.js';
import { descendants } from './fixtures/processes.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

const { ENTROPY_CHECKPOINT_GPU: gpuBefore } = process.env;

afterEach(() => {
  if (gpuBefore === undefined) delete process.env['ENTROPY_CHECKPOINT_GPU'];
  else process.env['ENTROPY_CHECKPOINT_GPU'] = gpuBefore;
});

test.each([
  [
    { runtime: 'node', backend: 'webgl' },
    "that runs in Node ('cpu', 'wasm', 'webgpu', 'tensorflow'), got 'webgl'.",
  ],
  [
    { runtime: 'chromium', backend: 'tensorflow' },
    "that runs in Chromium ('cpu', 'wasm', 'webgl', 'webgpu'), got 'tensorflow'.",
  ],
  [
    { runtime: 'chromium', backend: 'metal' },
    "that runs in Chromium ('cpu', 'wasm', 'webgl', 'webgpu'), got 'metal'.",
  ],
  [{ runtime: 'safari', backend: 'cpu' }, "Expected `runtime` to be 'node' or 'chromium', got 'safari'."],
])('refuses %j', async (target, message) => {
  await expect(openBackend(target as BackendTarget, entry)).rejects.toThrow(message);
});

test('sets flags before the backend is created', async () => {
  const flags = { WEBGL_FORCE_F16_TEXTURES: true };
  const opened = await openBackend({ runtime: 'chromium', backend: 'webgl', flags }, entry);
  try {
    expect(await opened.call('flag', 'WEBGL_FORCE_F16_TEXTURES')).toBe(true);
    // 2049 lies between two numbers of 16 bits.
    expect(await opened.call('product', [[2049], [0]])).toMatchObject({ values: [2048, 3 * 2048] });
  } finally {
    await opened.close();
  }
});

test('refuses a flag that tfjs does not know', async () => {
  const target: BackendTarget = { runtime: 'node', backend: 'cpu', flags: { WEBGL_FASTER: true } };
  await expect(openBackend(target, entry)).rejects.toThrow(/^Could not start cpu in Node: .*WEBGL_FASTER/);
});

test('says why a backend could not be started, does not fall back, and leaves no process', async () => {
  const before = descendants();
  const target: BackendTarget = { runtime: 'chromium', backend: 'webgl', flags: { HAS_WEBGL: false } };
  await expect(openBackend(target, entry)).rejects.toThrow(
    /^Could not start webgl in Chromium.*`tf\.setBackend\('webgl'\)` returned false[^]*WebGL is not supported/,
  );
  expect(descendants()).toEqual(before);
});

test('refuses an entry module that computes when it is imported', async () => {
  const computing = new URL('fixtures/computes-when-imported.ts', import.meta.url);
  await expect(openBackend({ runtime: 'node', backend: 'cpu' }, computing)).rejects.toThrow(
    'The entry module computes when it is imported',
  );
});

test.each(['node', 'chromium'] as const)(
  'refuses an entry module that does not exist, in %s',
  async (runtime) => {
    const missing = new URL('fixtures/missing.ts', import.meta.url);
    await expect(openBackend({ runtime, backend: 'cpu' }, missing)).rejects.toThrow(
      /^Could not start cpu in (Node|Chromium): [^]*missing\.ts/,
    );
  },
);

test.each<BackendTarget>([
  { runtime: 'node', backend: 'webgpu' },
  { runtime: 'chromium', backend: 'webgl' },
  { runtime: 'chromium', backend: 'webgpu' },
])('refuses a software adapter for $backend in $runtime if a GPU is required', async (target) => {
  process.env['ENTROPY_CHECKPOINT_GPU'] = '1';
  const outcome = await openBackend(target, entry).catch((error: unknown) => error as Error);
  // This machine may have a GPU.
  if (outcome instanceof Error) {
    expect(outcome.message).toMatch(
      /^Could not start .* on a GPU, which ENTROPY_CHECKPOINT_GPU=1 requires: /,
    );
  } else {
    await outcome.close();
    expect(outcome.description).not.toMatch(/software|swiftshader|llvmpipe/i);
  }
});

test('refuses ENTROPY_CHECKPOINT_GPU=yes', async () => {
  process.env['ENTROPY_CHECKPOINT_GPU'] = 'yes';
  await expect(openBackend({ runtime: 'node', backend: 'cpu' }, entry)).rejects.toThrow(
    "Expected the environment variable ENTROPY_CHECKPOINT_GPU to be 0 or 1, got 'yes'.",
  );
});

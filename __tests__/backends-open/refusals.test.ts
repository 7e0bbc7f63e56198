import { afterEach, expect, test } from '@jest/globals';
import { openBackend, type BackendChoice } from '../../backends/open-backend.js';
import { descendants } from './fixtures/processes.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

const { ENTROPY_CHECKPOINT_GPU: gpuBefore } = process.env;

afterEach(() => {
  if (gpuBefore === undefined) delete process.env['ENTROPY_CHECKPOINT_GPU'];
  else process.env['ENTROPY_CHECKPOINT_GPU'] = gpuBefore;
});

test.each([
  [
    { place: 'node', backend: 'webgl' },
    "that runs in Node ('cpu', 'wasm', 'webgpu', 'tensorflow'), got 'webgl'.",
  ],
  [
    { place: 'chromium', backend: 'tensorflow' },
    "that runs in Chromium ('cpu', 'wasm', 'webgl', 'webgpu'), got 'tensorflow'.",
  ],
  [
    { place: 'chromium', backend: 'metal' },
    "that runs in Chromium ('cpu', 'wasm', 'webgl', 'webgpu'), got 'metal'.",
  ],
  [{ place: 'safari', backend: 'cpu' }, "Expected `place` to be 'node' or 'chromium', got 'safari'."],
])('refuses %j', async (choice, message) => {
  await expect(openBackend(choice as BackendChoice, entry)).rejects.toThrow(message);
});

test('sets flags before the backend is made', async () => {
  const flags = { WEBGL_FORCE_F16_TEXTURES: true };
  const opened = await openBackend({ place: 'chromium', backend: 'webgl', flags }, entry);
  try {
    expect(await opened.call('flag', 'WEBGL_FORCE_F16_TEXTURES')).toBe(true);
    // Between two numbers of 16 bits.
    expect(await opened.call('product', [[2049], [0]])).toMatchObject({ values: [2048, 3 * 2048] });
  } finally {
    await opened.close();
  }
});

test('refuses a flag that tfjs does not know', async () => {
  const choice: BackendChoice = { place: 'node', backend: 'cpu', flags: { WEBGL_FASTER: true } };
  await expect(openBackend(choice, entry)).rejects.toThrow(/^Could not start cpu in Node: .*WEBGL_FASTER/);
});

test('says why a backend does not come up, falls back to none, and leaves no process', async () => {
  const before = descendants();
  const choice: BackendChoice = { place: 'chromium', backend: 'webgl', flags: { HAS_WEBGL: false } };
  await expect(openBackend(choice, entry)).rejects.toThrow(
    /^Could not start webgl in Chromium.*`tf\.setBackend\('webgl'\)` returned false[^]*WebGL is not supported/,
  );
  expect(descendants()).toEqual(before);
});

test('refuses an entry module that computes before there is a backend', async () => {
  const computing = new URL('fixtures/computes-when-imported.ts', import.meta.url);
  await expect(openBackend({ place: 'node', backend: 'cpu' }, computing)).rejects.toThrow(
    'The entry module computes when it is imported',
  );
});

test.each(['node', 'chromium'] as const)(
  'refuses an entry module that is not there, in %s',
  async (place) => {
    const missing = new URL('fixtures/not-there.ts', import.meta.url);
    await expect(openBackend({ place, backend: 'cpu' }, missing)).rejects.toThrow(
      /^Could not start cpu in (Node|Chromium): [^]*not-there\.ts/,
    );
  },
);

test.each<BackendChoice>([
  { place: 'node', backend: 'webgpu' },
  { place: 'chromium', backend: 'webgl' },
  { place: 'chromium', backend: 'webgpu' },
])('takes no software for the GPU that is asked for, with $backend in $place', async (choice) => {
  process.env['ENTROPY_CHECKPOINT_GPU'] = '1';
  const outcome = await openBackend(choice, entry).catch((error: unknown) => error as Error);
  // This machine may have a GPU, or not.
  if (outcome instanceof Error) {
    expect(outcome.message).toMatch(/^Could not start .* on a GPU, as ENTROPY_CHECKPOINT_GPU=1 asks for: /);
  } else {
    await outcome.close();
    expect(outcome.description).not.toMatch(/software|swiftshader|llvmpipe/i);
  }
});

test('refuses ENTROPY_CHECKPOINT_GPU=yes', async () => {
  process.env['ENTROPY_CHECKPOINT_GPU'] = 'yes';
  await expect(openBackend({ place: 'node', backend: 'cpu' }, entry)).rejects.toThrow(
    "Expected the environment variable ENTROPY_CHECKPOINT_GPU to be 0 or 1, got 'yes'.",
  );
});

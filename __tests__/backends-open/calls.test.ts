import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type OpenBackend, type Runtime } from '../../backends/open-backend.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

describe.each<Runtime>(['node', 'chromium'])('a call in %s', (runtime) => {
  let opened: OpenBackend;

  beforeAll(async () => {
    opened = await openBackend({ runtime, backend: 'cpu' }, entry);
  });

  afterAll(async () => {
    await opened.close();
  });

  test.each([[null], [true], [1e-45], ['ä\u2028'], [[1, [2]]], [{ a: { b: [] } }], [undefined]])(
    'passes %p there and back',
    async (value) => {
      expect(value === undefined ? await opened.call('echo') : await opened.call('echo', value)).toEqual(
        value,
      );
    },
  );

  test('refuses arguments that JSON would change', async () => {
    await expect(opened.call('echo', { loss: [0, NaN] })).rejects.toThrow(
      "Expected the arguments of 'echo' to consist of JSON values, got NaN at '1'.",
    );
  });

  test('refuses a result that JSON would change', async () => {
    await expect(opened.call('float32Array', [1])).rejects.toThrow(
      'Expected the result to consist of JSON values, got a Float32Array (use Array.from).',
    );
  });

  test.each(['toString', 'notAFunction'])('refuses the name %p and lists the functions', async (name) => {
    await expect(opened.call(name)).rejects.toThrow(/exported function .*\bproduct\b.*, got '\w+'\.$/);
  });

  test('runs after the calls before it', async () => {
    const slow = opened.call('appendToLog', 'slow', 100);
    const fast = opened.call('appendToLog', 'fast', 0);
    expect(await Promise.all([slow, fast])).toEqual([['slow'], ['slow', 'fast']]);
  });
});

test('a call is refused after an earlier call has changed the backend', async () => {
  const opened = await openBackend({ runtime: 'node', backend: 'wasm' }, entry);
  try {
    await opened.call('changeBackend', 'cpu');
    await expect(opened.call('product', [[1], [2]])).rejects.toThrow(
      "Expected 'wasm' to be the current backend, but an earlier call has made it 'cpu'.",
    );
  } finally {
    await opened.close();
  }
});

import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { checkSignals } from '../../src/stores/browser-stores.js';
import { thrownBy } from '../support/errors.js';

test('a browser refuses signals', () => {
  const { code, message } = thrownBy(() => {
    checkSignals(['SIGTERM']);
  });
  expect([code, message]).toEqual([
    'ENTROPY_INVALID_OPTION',
    expect.stringMatching(/Leave out `stopOn` in a browser/),
  ]);
});

test('a worker thread refuses signals', async () => {
  const script = new URL('fixtures/signals-in-thread.ts', import.meta.url).href;
  const start = `import('tsx/esm/api').then(({ register }) => { register(); return import('${script}'); });`;
  const thread = new Worker(start, { eval: true, stdout: true });
  const [printed] = await Promise.all([text(thread.stdout), once(thread, 'exit')]);
  expect(printed).toMatch(/Leave out `stopOn` in a worker thread, which gets no signals/);
});

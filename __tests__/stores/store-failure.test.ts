import { expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { attempt } from '../../src/stores/store-failure.js';
import { rejection, thrownBy } from '../support/errors.js';

const forbidden = new DOMException('The document is sandboxed', 'SecurityError');

test('a page that may not use storage is told what to do', async () => {
  const error = await rejection(attempt('read indexeddb://a', '', () => Promise.reject(forbidden)));
  expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: forbidden });
  expect(error.message).toContain('sandbox="allow-same-origin"');
});

test('local storage that a page may not use has an error code when the callback is made', () => {
  const find = jest.spyOn(tf.io, 'getSaveHandlers').mockImplementation(() => {
    throw forbidden;
  });
  const error = thrownBy(() => new EntropyCheckpointCallback({ filepath: 'localstorage://a' }));
  find.mockRestore();
  expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: forbidden });
  expect(error.message).toContain('localstorage://a');
  expect(error.message).toContain('sandbox="allow-same-origin"');
});

test('an error of a store is cut to 200 characters, and is whole in `cause`', async () => {
  const cause = new Error('x'.repeat(1e5));
  const error = await rejection(attempt('read a', '', () => Promise.reject(cause)));
  expect(/x+/.exec(error.message)![0].length).toBeLessThanOrEqual(200);
  expect(error.cause).toBe(cause);
});

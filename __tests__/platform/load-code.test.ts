import { expect, test } from '@jest/globals';
import { loadCode } from '../../src/platform/load-code.js';
import { rejection } from '../support/errors.js';

test('what has been loaded is handed on', async () => {
  const part = { name: 'a part' };
  expect(await loadCode(Promise.resolve(part))).toBe(part);
});

test('what cannot be loaded is an error with a code, the cause and what to do', async () => {
  const cause = new TypeError('Failed to fetch dynamically imported module.');
  const error = await rejection(loadCode(Promise.reject(cause)));
  expect(error.code).toBe('ENTROPY_CODE_NOT_LOADED');
  expect(error.cause).toBe(cause);
  expect(error.message).toMatch(/Failed to fetch .*Make sure that every file of the build can be fetched/);
});

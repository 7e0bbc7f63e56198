import { describe, expect, it } from '@jest/globals';
import { loadCode } from '../../src/platform/load-code.js';
import { rejection } from '../support/errors.js';

describe('loadCode', () => {
  it('returns the loaded module', async () => {
    const part = { name: 'a part' };
    expect(await loadCode(Promise.resolve(part))).toBe(part);
  });

  it('throws an error with code, cause and advice when loading fails', async () => {
    const cause = new TypeError('Failed to fetch dynamically imported module.');
    const error = await rejection(loadCode(Promise.reject(cause)));
    expect(error.code).toBe('ENTROPY_CODE_NOT_LOADED');
    expect(error.cause).toBe(cause);
    expect(error.message).toMatch(/Failed to fetch .*Make sure that every file of the build can be fetched/);
  });
});

import { expect, test } from '@jest/globals';
import { EntropyCheckpointError } from '../src/errors.js';

test('is an Error with a name, a code and a message that says where it is from', () => {
  const error = new EntropyCheckpointError('ENTROPY_NO_BEST', 'There is no best epoch yet.');
  expect(error).toBeInstanceOf(Error);
  expect(error).toBeInstanceOf(EntropyCheckpointError);
  expect(error).toMatchObject({
    name: 'EntropyCheckpointError',
    code: 'ENTROPY_NO_BEST',
    message: '[entropy-checkpoint] There is no best epoch yet.',
  });
  expect(error.stack).toContain('errors.test');
});

test('has a cause where one is given, and no such property where none is', () => {
  const cause = new Error('ENOSPC');
  const error = new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.', { cause });
  expect(error.cause).toBe(cause);
  expect('cause' in new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.')).toBe(false);
});

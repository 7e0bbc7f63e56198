import { expect, test } from '@jest/globals';
import { EntropyCheckpointError } from '../src/errors.js';

test('an EntropyCheckpointError is an Error with a name, a code and a prefixed message', () => {
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

test('an EntropyCheckpointError has the property `cause` only if one is given', () => {
  const cause = new Error('ENOSPC');
  const error = new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.', { cause });
  expect(error.cause).toBe(cause);
  expect('cause' in new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.')).toBe(false);
});

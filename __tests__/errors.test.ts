import { expect, test } from '@jest/globals';
import { EntropyCheckpointError, excerpt } from '../src/errors.js';
import { textOf } from '../src/warnings.js';

test('an EntropyCheckpointError is an Error with a name, a code and a prefixed message', () => {
  const error = new EntropyCheckpointError('ENTROPY_NO_BEST', 'There is no best epoch yet.');
  expect(error).toBeInstanceOf(Error);
  expect(error).toBeInstanceOf(EntropyCheckpointError);
  expect(error).toMatchObject({
    name: 'EntropyCheckpointError',
    code: 'ENTROPY_NO_BEST',
    message: '[entropy-checkpoint] There is no best epoch yet. See docs/faq.md#entropy_no_best',
  });
  expect(error.stack).toContain('errors.test');
});

test('an EntropyCheckpointError has the property `cause` only if one is given', () => {
  const cause = new Error('ENOSPC');
  const error = new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.', { cause });
  expect(error.cause).toBe(cause);
  expect('cause' in new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'Disk full.')).toBe(false);
});

test.each([
  ['\u001b[2Jgone', '\\u001b[2Jgone'],
  ['a\u0000b\u007fc\u009bd', 'a\\u0000b\\u007fc\\u009bd'],
  ['txt.\u202egpj', 'txt.\\u202egpj'],
  ['\u2066a\u2069\u200f\u061c', '\\u2066a\\u2069\\u200f\\u061c'],
  ['a\u2028b', 'a\\u2028b'],
  ['two\n  lines\r\nhere', 'two lines here'],
  ['ünïcödé 字 😀', 'ünïcödé 字 😀'],
])('a message shows control characters as escapes: %j', (text, shown) => {
  const { message } = new EntropyCheckpointError('ENTROPY_NO_BEST', text);
  expect(message).toBe(`[entropy-checkpoint] ${shown} See docs/faq.md#entropy_no_best`);
});

test('an error is quoted without the prefix and the address of its code', () => {
  expect(textOf(new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', 'It is damaged.'))).toBe(
    'It is damaged.',
  );
  expect(textOf(new Error('See docs/faq.md#other'))).toBe('See docs/faq.md#other');
});

test('an excerpt has at most its length, escapes included, and shows that it was cut', () => {
  expect(excerpt('a'.repeat(200))).toBe('a'.repeat(200));
  expect(excerpt('a'.repeat(201))).toBe(`${'a'.repeat(199)}…`);
  expect(excerpt('\u0000'.repeat(200))).toHaveLength(200);
  expect(excerpt(new Error('x'.repeat(1e6)), 50)).toHaveLength(50);
});

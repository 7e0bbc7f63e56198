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

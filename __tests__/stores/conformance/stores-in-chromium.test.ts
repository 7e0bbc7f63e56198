import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type OpenBackend } from '../../../backends/open-backend.js';
import { STORE_CASES } from './all-cases.js';
import { BROWSER_STORES } from './run-store-case.js';
import { casesFor } from './store-case.js';

let opened: OpenBackend;

beforeAll(async () => {
  opened = await openBackend(
    { place: 'chromium', backend: 'cpu' },
    new URL('run-store-case.ts', import.meta.url),
  );
}, 120_000);

afterAll(async () => {
  await opened.close();
});

describe.each(BROWSER_STORES)('%s', (scheme, terms) => {
  test.each(casesFor(STORE_CASES, terms))('$name', async ({ name }) => {
    await expect(opened.call('runStoreCase', scheme, name)).resolves.toBeUndefined();
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBackend, type OpenBackend } from '../../../backends/open-backend.js';
import { STORE_CASES } from './store-cases.js';
import { BROWSER_STORES } from './run-store-case.js';
import { casesFor } from './store-case.js';

let opened: OpenBackend;

beforeAll(async () => {
  opened = await openBackend(
    { runtime: 'chromium', backend: 'cpu' },
    new URL('run-store-case.ts', import.meta.url),
  );
});

afterAll(async () => {
  await opened.close();
});

describe.each(BROWSER_STORES)('%s', (scheme, traits) => {
  it.each(casesFor(STORE_CASES, traits))('$name', async ({ name }) => {
    await expect(opened.call('runStoreCase', scheme, name)).resolves.toBeUndefined();
  });
});

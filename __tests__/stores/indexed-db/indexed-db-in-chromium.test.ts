import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBackend, type OpenBackend } from '../../../backends/open-backend.js';
import { INDEXED_DB_CASES } from './indexed-db-cases.js';

let opened: OpenBackend;

beforeAll(async () => {
  opened = await openBackend(
    { runtime: 'chromium', backend: 'cpu' },
    new URL('run-indexed-db-case.ts', import.meta.url),
  );
});

afterAll(async () => {
  await opened.close();
});

describe('IndexedDbStore', () => {
  it.each(INDEXED_DB_CASES)('$name', async ({ name }) => {
    await expect(opened.call('runIndexedDbCase', name)).resolves.toBeUndefined();
  });
});

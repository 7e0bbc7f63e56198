import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendChoice, type OpenBackend } from '../../backends/open-backend.js';
import { EVERYTHING } from './all-cases.js';
import type { ConformanceCase, Terms } from './conformance-case.js';

const ENTRY = new URL('run-named.ts', import.meta.url);
/** Beyond that of opening, so that it is the opening which says why it took too long. */
const OPEN_TIMEOUT_MS = 120_000;

/**
 * Runs the cases on a backend. One that cannot be started fails all of them, and says why: nothing is
 * skipped.
 */
export function describeConformance(
  choice: BackendChoice,
  terms: Terms,
  cases: readonly ConformanceCase[] = EVERYTHING,
): void {
  const { place, backend, flags = {} } = choice;
  const { composed = false, asOnGpu = false } = terms;
  const marks = [...(composed ? ['composed'] : []), ...(asOnGpu ? ['as on a GPU'] : [])];
  const variant = [...Object.keys(flags), ...marks].join(', ');

  describe(`${backend} in ${place}${variant === '' ? '' : ` (${variant})`}`, () => {
    let open: OpenBackend | null = null;

    beforeAll(async () => {
      open = await openBackend(choice, ENTRY);
      process.stdout.write(`conformance on ${open.description}\n`);
    }, OPEN_TIMEOUT_MS);

    afterAll(async () => {
      await open?.close();
    });

    test.each(cases)('$name', async ({ name }) => {
      expect(open).not.toBeNull();
      await expect(open!.call('runNamed', name, terms)).resolves.toBeUndefined();
    });
  });
}

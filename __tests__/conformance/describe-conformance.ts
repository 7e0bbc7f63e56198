import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendChoice, type OpenBackend } from '../../backends/open-backend.js';
import { callbackCases } from './callback-cases.js';
import type { ConformanceCase, Terms } from './conformance-case.js';
import { kernelCases } from './kernel-cases.js';
import { runningMeanCases } from './running-mean-cases.js';

const ENTRY = new URL('run-over-there.ts', import.meta.url);

export const OPERATIONS: readonly ConformanceCase[] = [...kernelCases, ...runningMeanCases];
export const EVERYTHING: readonly ConformanceCase[] = [...OPERATIONS, ...callbackCases];

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
  const variant = [...Object.keys(flags), ...(terms.composed === true ? ['composed'] : [])].join(', ');

  describe(`${backend} in ${place}${variant === '' ? '' : ` (${variant})`}`, () => {
    let open: OpenBackend | null = null;

    beforeAll(async () => {
      open = await openBackend(choice, ENTRY);
      process.stdout.write(`conformance on ${open.description}\n`);
    });

    afterAll(async () => {
      await open?.close();
    });

    test.each(cases)('$name', async ({ name }) => {
      expect(open).not.toBeNull();
      await expect(open!.call('runNamed', name, terms)).resolves.toBeUndefined();
    });
  });
}

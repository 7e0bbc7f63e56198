import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type BackendTarget, type OpenBackend } from '../../backends/open-backend.js';
import { ALL_CASES } from './all-cases.js';
import type { ConformanceCase, CaseSettings } from './conformance-case.js';

const ENTRY = new URL('run-case-by-name.ts', import.meta.url);
/** Longer than the limit of `openBackend`, so that its error, which says more, comes first. */
const OPEN_TIMEOUT_MS = 120_000;

/** Runs the cases on a backend. No case is skipped: if the backend can't be started, all cases fail and say why. */
export function describeConformance(
  target: BackendTarget,
  settings: CaseSettings,
  cases: readonly ConformanceCase[] = ALL_CASES,
): void {
  const { runtime, backend, flags = {} } = target;
  const { composed = false, simulatesGpu = false } = settings;
  const marks = [...(composed ? ['composed'] : []), ...(simulatesGpu ? ['simulated GPU'] : [])];
  const variant = [...Object.keys(flags), ...marks].join(', ');

  describe(`${backend} in ${runtime}${variant === '' ? '' : ` (${variant})`}`, () => {
    let open: OpenBackend | null = null;

    beforeAll(async () => {
      open = await openBackend(target, ENTRY);
      process.stdout.write(`conformance on ${open.description}\n`);
    }, OPEN_TIMEOUT_MS);

    afterAll(async () => {
      await open?.close();
    });

    test.each(cases)('$name', async ({ name }) => {
      expect(open).not.toBeNull();
      await expect(open!.call('runCaseByName', name, settings)).resolves.toBeUndefined();
    });
  });
}

import { claimCases } from './lock-cases.js';
import { contentCases } from './content-cases.js';
import { failureCases } from './failure-cases.js';
import { slotCases } from './slot-cases.js';
import type { StoreCase } from './store-case.js';

/** What every store must do. */
export const STORE_CASES: readonly StoreCase[] = [
  ...contentCases,
  ...slotCases,
  ...failureCases,
  ...claimCases,
];

/** @throws Error for a name that no case has, or two. */
export function storeCaseNamed(name: string): StoreCase {
  const named = STORE_CASES.filter((one) => one.name === name);
  if (named.length !== 1) throw new Error(`Expected one case "${name}", got ${named.length}.`);
  return named[0]!;
}

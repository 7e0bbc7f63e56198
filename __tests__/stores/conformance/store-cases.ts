import { lockCases } from './lock-cases.js';
import { contentCases } from './content-cases.js';
import { failureCases } from './failure-cases.js';
import { sharedShardCases } from './shared-shard-cases.js';
import { slotCases } from './slot-cases.js';
import type { StoreCase } from './store-case.js';

/** The behaviour that every store must have. */
export const STORE_CASES: readonly StoreCase[] = [
  ...contentCases,
  ...slotCases,
  ...sharedShardCases,
  ...failureCases,
  ...lockCases,
];

/** Finds a case by name. @throws Error unless exactly one case has it. */
export function storeCaseNamed(name: string): StoreCase {
  const named = STORE_CASES.filter((storeCase) => storeCase.name === name);
  if (named.length !== 1) throw new Error(`Expected one case "${name}", got ${named.length}.`);
  return named[0]!;
}

import { callbackCases } from './callback-cases.js';
import type { ConformanceCase } from './conformance-case.js';
import { goldenCases } from './golden-cases.js';
import { layoutCases } from './layout-cases.js';
import { runningMeanCases } from './running-mean-cases.js';
import { shapeCases } from './shape-cases.js';
import { specialValueCases } from './special-value-cases.js';

/** What every implementation of the two kernels must do. */
export const OPERATIONS: readonly ConformanceCase[] = [
  ...goldenCases,
  ...shapeCases,
  ...layoutCases,
  ...specialValueCases,
  ...runningMeanCases,
];

/** The operations, and what the callback must do on every backend. */
export const EVERYTHING: readonly ConformanceCase[] = [...OPERATIONS, ...callbackCases];

/** @throws Error for a name that no case has, or two. */
export function caseNamed(name: string): ConformanceCase {
  const named = EVERYTHING.filter((one) => one.name === name);
  if (named.length !== 1) throw new Error(`Expected one case "${name}", got ${named.length}.`);
  return named[0]!;
}

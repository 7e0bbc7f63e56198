import { callbackCases } from './callback-cases.js';
import type { ConformanceCase } from './conformance-case.js';
import { goldenCases } from './golden-cases.js';
import { layoutCases } from './layout-cases.js';
import { runningMeanCases } from './running-mean-cases.js';
import { shapeCases } from './shape-cases.js';
import { specialValueCases } from './special-value-cases.js';

/** The cases for every implementation of the two kernels. */
export const KERNEL_CASES: readonly ConformanceCase[] = [
  ...goldenCases,
  ...shapeCases,
  ...layoutCases,
  ...specialValueCases,
  ...runningMeanCases,
];

/** The cases for the kernels and for the callback on every backend. */
export const ALL_CASES: readonly ConformanceCase[] = [...KERNEL_CASES, ...callbackCases];

/** On a software rasteriser each new shape of a training compiles for long, so a sample has each kind of case once. */
export const SAMPLE_CASES: readonly ConformanceCase[] = [
  ...KERNEL_CASES,
  ...callbackCases.filter(
    ({ name }) => !/a sequence output|one sigmoid unit|momentum|fitDataset with averaged/.test(name),
  ),
];

/** The case of this name. @throws Error if there's none, or more than one. */
export function findCase(name: string): ConformanceCase {
  const named = ALL_CASES.filter((candidate) => candidate.name === name);
  if (named.length !== 1) throw new Error(`Expected one case "${name}", got ${named.length}.`);
  return named[0]!;
}

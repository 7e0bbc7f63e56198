/** What the conformance tests call where the backend is: in a process of its own, or in a page. */
import { callbackCases } from './callback-cases.js';
import { runCase, type Terms } from './conformance-case.js';
import { kernelCases } from './kernel-cases.js';
import { runningMeanCases } from './running-mean-cases.js';

const cases = [...kernelCases, ...runningMeanCases, ...callbackCases];

export async function runNamed(name: string, terms: Terms): Promise<void> {
  const named = cases.find((one) => one.name === name);
  if (named === undefined) throw new Error(`There is no case "${name}".`);
  await runCase(named, terms);
}

import { caseNamed } from './all-cases.js';
import { runCase, type Terms } from './conformance-case.js';

/** What the conformance tests call where the backend is: in a process of its own, or in a page. */
export function runNamed(name: string, terms: Terms): Promise<void> {
  return runCase(caseNamed(name), terms);
}

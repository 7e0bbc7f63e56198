import * as tf from '@tensorflow/tfjs';
import { caseNamed } from './all-cases.js';
import { runCase, type Terms } from './conformance-case.js';

/** What the conformance tests call where the backend is: in a process of its own, or in a page. */
export function runNamed(name: string, terms: Terms): Promise<void> {
  if (terms.asOnGpu === true) Object.assign(tf.backend(), { isUsingGpuDevice: true });
  return runCase(caseNamed(name), terms);
}

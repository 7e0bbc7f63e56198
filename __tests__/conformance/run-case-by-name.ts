import * as tf from '@tensorflow/tfjs';
import { findCase } from './all-cases.js';
import { runCase, type CaseSettings } from './conformance-case.js';

/** The entry point of the conformance tests where the backend runs: in its own process, or in a page. */
export function runCaseByName(name: string, settings: CaseSettings): Promise<void> {
  if (settings.simulatesGpu === true) Object.assign(tf.backend(), { isUsingGpuDevice: true });
  return runCase(findCase(name), settings);
}

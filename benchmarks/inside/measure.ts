/** The functions that the benchmarks call in the backend's process or page. */
export { measureFit, prepareFit } from './fit.js';
export { measureKernel, prepareKernel } from './kernel.js';
export { peakMemory } from './peak-memory.js';

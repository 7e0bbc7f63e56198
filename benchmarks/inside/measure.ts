/** What the benchmarks call where the backend is: in a process of its own, or in a page. */
export { measureFit, prepareFit } from './fit.js';
export { measureKernel, prepareKernel } from './kernel.js';
export { peakMemory } from './peak-memory.js';

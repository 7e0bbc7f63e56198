/** The functions that the benchmarks call in a Node process. */
export * from './measure.js';
export { profileFit } from './profile-fit.js';

/** What the benchmarks of saving call where the backend is, in a Node process of its own. */
export { prepareLarge, residentOfLarge, timeLarge } from './large-model.js';
export { measurePause, measureSnapshot, preparePause } from './pause.js';
export { measureSaveFit, prepareSaveFit } from './save-fit.js';

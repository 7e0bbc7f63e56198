/** The functions that the benchmarks of saving call in the backend's Node process. */
export { prepareLarge, residentOfLarge, timeLarge } from './large-model.js';
export { measureLongTraining, prepareLongTraining } from './long-training.js';
export { measurePause, measureSnapshot, preparePause } from './pause.js';
export { measureSaveFit, prepareSaveFit } from './save-fit.js';

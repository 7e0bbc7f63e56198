/** What describes a training at once. It's loaded when training begins, unlike the report. */
export { endOfTrainingWarning, explain } from './explain.js';
export { historyCsv } from './history-csv.js';
export { printEpoch, printKept, printSaved } from './progress.js';
export { summary } from './summary.js';

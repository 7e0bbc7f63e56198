/** What describes a training at once. It's loaded when training begins, unlike the report. */
export { explain } from './explain.js';
export { historyCsv } from './history-csv.js';
export { printEpoch, printKept, printSaved, warnOfSelection } from './progress.js';
export { summary } from './summary.js';

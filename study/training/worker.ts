/** A child process that trains the cells it receives, one at a time, and sends back their trajectories. */
import '@tensorflow/tfjs-backend-wasm';
import type { Cell } from '../grid.js';
import { trainCell } from './train-cell.js';

let work: Promise<unknown> = Promise.resolve();

process.on('message', (cell: Cell) => {
  work = work.then(async () => {
    try {
      process.send?.({ trajectory: await trainCell(cell) });
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
});

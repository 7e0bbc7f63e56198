// Trains in this thread into the folder that it is given. With `waits`, it ends when the main thread says so.
import { parentPort, workerData } from 'node:worker_threads';
import { trainIntoFolder } from './train-into-folder.js';

const { filepath, waits } = workerData;
await trainIntoFolder(
  filepath,
  waits,
  (message) => parentPort.postMessage(message),
  (resolve) => parentPort.once('message', resolve),
);

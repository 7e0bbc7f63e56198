// Trains in this worker process into the folder that it is given. With `waits`, it ends when the primary process says so.
import { trainIntoFolder } from './train-into-folder.js';

const { FILEPATH: filepath, WAITS: waits } = process.env;
await trainIntoFolder(
  filepath,
  waits === 'true',
  (message) => process.send(message),
  (resolve) => process.once('message', resolve),
);
process.disconnect();

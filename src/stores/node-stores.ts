import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EntropyCheckpointError } from '../errors.js';
import { FileStore } from './file/file-store.js';
import { locationOfStore, type FindStoreLocation } from './store-location.js';

export { defineInspection } from '../platform/inspection.js';
export { checkSignals, onFirstSignal } from '../platform/stop-signals.js';

/** Finds the store of Node: a path or a `file://` URL is a folder. */
export const findStoreLocation: FindStoreLocation = (name) => {
  // tfjs-node's `file://` handler isn't used: it writes in place, so a crash can leave no checkpoint at all.
  if (name.includes('://') && !name.startsWith('file://')) return null;
  const path = folderOf(name);
  // TensorFlow.js names a model by its file.
  const folder = basename(path) === 'model.json' ? dirname(path) : path;
  if (folder === '' || /^~($|[/\\])/.test(folder)) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected the path of a folder, got '${name}'.` +
        (folder === '' ? '' : ' Use `os.homedir()` instead of ~, which only a shell expands.'),
    );
  }
  const store = new FileStore(folder);
  return {
    ...locationOfStore(store),
    // Not before it's asked for: the store follows links when it's first used.
    get source() {
      return sourceOf(store.path);
    },
  };
};

/** What finds a folder by its path, even if it has the name of a model's file or looks like a pattern. */
function sourceOf(folder: string): string {
  const path = basename(folder) === 'model.json' ? join(folder, 'model.json') : folder;
  return path.includes('{') ? pathToFileURL(path).href : path;
}

/** As in TensorFlow.js, an absolute `file://` URL may be encoded, and a relative one is a plain path. */
function folderOf(path: string): string {
  if (!path.startsWith('file://')) return path;
  const rest = path.slice('file://'.length);
  if (!rest.startsWith('/')) return rest;
  try {
    // A path has neither query nor fragment. Dropping them would map two different paths to one folder.
    return fileURLToPath(`file://${rest.replace(/[?#]/g, encodeURIComponent)}`);
  } catch {
    return rest;
  }
}

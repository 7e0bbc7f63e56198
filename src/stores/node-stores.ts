import { fileURLToPath } from 'node:url';
import { EntropyCheckpointError } from '../errors.js';
import { FileStore } from './file/file-store.js';
import { locationOfStore, type FindStoreLocation } from './store-location.js';

/** In Node, a path or `file://` URL is a folder. */
export const findStoreLocation: FindStoreLocation = (name) => {
  // The `file://` handler of tfjs-node isn't used: it writes in place, so that a crash leaves no checkpoint at all.
  if (name.includes('://') && !name.startsWith('file://')) return null;
  const folder = folderOf(name);
  if (folder === '' || /^~($|[/\\])/.test(folder)) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected the path of a folder, got '${name}'.` +
        (folder === '' ? '' : ' Only a shell knows ~: use `os.homedir()`.'),
    );
  }
  return locationOfStore(new FileStore(folder));
};

/** `file://` URLs as TensorFlow.js writes them: an absolute one may be encoded, a relative one is a plain path. */
function folderOf(path: string): string {
  if (!path.startsWith('file://')) return path;
  const rest = path.slice('file://'.length);
  if (!rest.startsWith('/')) return rest;
  try {
    // A path has no query and no fragment: two different paths must not become one folder.
    return fileURLToPath(`file://${rest.replace(/[?#]/g, encodeURIComponent)}`);
  } catch {
    return rest;
  }
}

import { fileURLToPath } from 'node:url';
import { tensorflowKernels } from '../entropy/kernels/tensorflow.js';
import { EntropyCheckpointError } from '../errors.js';
import { FileStore } from '../stores/file-store.js';
import { placeOfStore } from '../stores/store-place.js';
import type { Platform } from './platform.js';

export const platform: Platform = {
  kernels: tensorflowKernels,

  storePlace(place) {
    // A `file://` handler of tfjs-node's would write in place, so that a crash leaves no checkpoint at all.
    if (place.includes('://') && !place.startsWith('file://')) return null;
    const folder = folderOf(place);
    if (folder === '' || /^~($|[/\\])/.test(folder)) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected the path of a folder, got '${place}'.` +
          (folder === '' ? '' : ' Only a shell knows ~: use `os.homedir()`.'),
      );
    }
    return placeOfStore(new FileStore(folder));
  },
};

/** `file://` URLs as tfjs writes them: an absolute one may be encoded, a relative one is a plain path. */
function folderOf(path: string): string {
  if (!path.startsWith('file://')) return path;
  const rest = path.slice('file://'.length);
  if (!rest.startsWith('/')) return rest;
  try {
    // A path has no query and no fragment: two of them must not become one folder.
    return fileURLToPath(`file://${rest.replace(/[?#]/g, encodeURIComponent)}`);
  } catch {
    return rest;
  }
}

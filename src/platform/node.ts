import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { tensorflowKernels } from '../entropy/kernels/tensorflow.js';
import { EntropyCheckpointError } from '../errors.js';
import { FileStore } from '../stores/file-store.js';
import type { Platform } from './platform.js';

export const platform: Platform = {
  kernels: tensorflowKernels,

  createSha256() {
    const hash = createHash('sha256');
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => hash.digest('hex'),
    };
  },

  storeForPath(path) {
    const folder = folderOf(path);
    if (folder === '' || /^~($|[/\\])/.test(folder)) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected the path of a folder, got '${path}'.` +
          (folder === '' ? '' : ' Only a shell knows ~: use `os.homedir()`.'),
      );
    }
    return new FileStore(folder);
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

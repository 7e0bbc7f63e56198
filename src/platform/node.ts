import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { FileStore } from '../stores/file-store.js';
import type { Platform } from './platform.js';

export const platform: Platform = {
  createSha256() {
    const hash = createHash('sha256');
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => hash.digest('hex'),
    };
  },

  storeForPath(path) {
    return new FileStore(path.startsWith('file:///') ? fileURLToPath(path) : path.replace(/^file:\/\//, ''));
  },
};

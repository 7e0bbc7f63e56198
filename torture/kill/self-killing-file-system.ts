import { nodeFileSystem, type FileSystem } from '../../src/stores/file/file-system.js';

/**
 * The file system of Node, which kills this process just before the `killAt`-th rename or removal. A kill from outside
 * hardly ever hits the short time between two of these calls.
 */
export function selfKillingFileSystem(killAt: number): FileSystem {
  let changes = 0;
  const countChange = (): void => {
    changes++;
    if (changes === killAt) process.kill(process.pid, 'SIGKILL');
  };
  return {
    ...nodeFileSystem,
    rename: (from, to) => {
      countChange();
      return nodeFileSystem.rename(from, to);
    },
    unlink: (path) => {
      countChange();
      return nodeFileSystem.unlink(path);
    },
  };
}

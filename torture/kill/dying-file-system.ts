import { nodeFileSystem, type FileSystem } from '../../src/stores/file/file-system.js';

/**
 * The file system, up to the moment at which this process would for the `dieAt`-th time give a file its name or
 * take it away: between these calls there is hardly ever time for a kill from outside.
 */
export function dyingFileSystem(dieAt: number): FileSystem {
  let changes = 0;
  const dieInTurn = (): void => {
    changes++;
    if (changes === dieAt) process.kill(process.pid, 'SIGKILL');
  };
  return {
    ...nodeFileSystem,
    rename: (from, to) => {
      dieInTurn();
      return nodeFileSystem.rename(from, to);
    },
    unlink: (path) => {
      dieInTurn();
      return nodeFileSystem.unlink(path);
    },
  };
}

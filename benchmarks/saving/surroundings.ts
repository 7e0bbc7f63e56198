import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is called where the backend is. Node alone has files. */
export const SAVING_ENTRY = new URL('../inside/saving/measure-saving.ts', import.meta.url);

/** Makes a folder in `parent`, and removes it with all that is in it. */
export async function withTemporaryFolder<T>(
  parent: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(parent, 'entropy-checkpoint-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Makes the system forget the files that it holds in memory, of this and of every program. Linux does so for
 * root, and only with what has been written to the disk.
 *
 * @returns whether it did.
 */
export function dropFileCache(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

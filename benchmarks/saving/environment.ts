import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The module that the backend's process loads. It needs files, so it runs in Node only. */
export const SAVING_ENTRY = new URL('../inside/saving/measure-saving.ts', import.meta.url);

/** Creates a folder in `parent`, and removes it with its contents after `use`. */
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
 * Empties the system's file cache, for all programs. That takes Linux and root. Files that are not written to the disk
 * yet stay cached.
 *
 * @returns whether it worked.
 */
export function dropFileCache(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

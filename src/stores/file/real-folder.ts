import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The canonical path of a folder, however it is spelled, and even if it doesn't exist yet. */
export function realFolder(folder: string): string {
  const absolute = resolve(folder);
  try {
    // `native` also unifies upper and lower case where the file system ignores case.
    return fs.realpathSync.native(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realFolder(parent), basename(absolute));
  }
}

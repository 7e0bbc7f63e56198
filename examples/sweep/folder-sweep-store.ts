import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RESULT_NAME, type SweepStore } from './sweep-store.js';

/** A folder, for workers on one machine. */
export class FolderSweepStore implements SweepStore {
  readonly name: string;

  constructor(folder: string) {
    this.name = resolve(folder);
  }

  async check(): Promise<void> {
    await mkdir(this.name, { recursive: true });
  }

  checkpointsOf(id: string): string {
    return join(this.name, id);
  }

  async readResult(id: string): Promise<string | null> {
    return readFile(this.#resultPath(id), 'utf8').catch(nullIf('ENOENT'));
  }

  async addResult(id: string, text: string): Promise<boolean> {
    await mkdir(this.checkpointsOf(id), { recursive: true });
    // Written beside it, so that nobody reads half of it. A link to it appears at once, where there's none.
    const written = join(this.name, `.${id}-${randomUUID()}`);
    try {
      await writeFile(written, text, { flush: true });
      const linked = await link(written, this.#resultPath(id)).catch(nullIf('EEXIST'));
      return linked !== null;
    } finally {
      await rm(written, { force: true });
    }
  }

  #resultPath(id: string): string {
    return join(this.checkpointsOf(id), RESULT_NAME);
  }
}

/** For `catch`: null for an error with this code. */
function nullIf(code: string): (error: NodeJS.ErrnoException) => null {
  return (error) => {
    if (error.code === code) return null;
    throw error;
  };
}

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
/** Where no step of a save waits for a disk, so that all take about the same time. */
const MEMORY_FOLDER = '/dev/shm';
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));

/** A temporary folder for everything, and the clean-up when this process ends, for whatever reason. */
export class Workspace {
  readonly path: string;
  readonly #keep: string | undefined;
  readonly #exitActions: (() => void)[] = [];
  #folders = 0;

  /** @param keep the folder that `keep` copies to. @default nothing is kept */
  constructor(keep?: string) {
    this.#keep = keep;
    this.path = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-torture-'));
    process.once('exit', () => {
      this.#runExitActions();
    });
    for (const [signal, number] of Object.entries(SIGNALS)) {
      process.once(signal, () => process.exit(128 + number));
    }
    const fail = (error: unknown): void => {
      console.error(error);
      process.exit(1);
    };
    // Before the listeners of the wasm backend, which end the process without the event 'exit'.
    process.prependListener('uncaughtException', fail).prependListener('unhandledRejection', fail);
    this.onExit(() => {
      rmSync(this.path, { recursive: true, force: true });
    });
    // A compiled program looks for its packages beside itself.
    symlinkSync(MODULES, join(this.path, 'node_modules'), 'junction');
    // The folder locks of this process and its children lie there. Killed processes do not remove theirs.
    process.env['TMPDIR'] = join(this.path, 'tmp');
    mkdirSync(process.env['TMPDIR']);
  }

  /** Adds an action that runs when this process ends: the last added first. It must be synchronous. */
  onExit(action: () => void): void {
    this.#exitActions.push(action);
  }

  /** An unused path. */
  newPath(name: string, parent = this.path): string {
    this.#folders++;
    return join(parent, `${name}-${this.#folders}`);
  }

  /** A new folder in memory; null where the system has none. */
  newInMemoryFolder(): string | null {
    if (!existsSync(MEMORY_FOLDER)) return null;
    const folder = mkdtempSync(join(MEMORY_FOLDER, 'entropy-checkpoint-torture-'));
    this.onExit(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    return folder;
  }

  /** Copies `folder` if `--keep` was set. @returns a message that says where the copy is; else null. */
  keep(folder: string): string | null {
    if (this.#keep === undefined) return null;
    const copy = this.newPath('lost', this.#keep);
    cpSync(folder, copy, { recursive: true });
    return `kept in ${copy}`;
  }

  #runExitActions(): void {
    for (const action of this.#exitActions.splice(0).reverse()) {
      try {
        action();
      } catch (error) {
        console.error(error);
      }
    }
  }
}

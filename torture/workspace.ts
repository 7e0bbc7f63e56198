import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));

/** A temporary folder for everything, and what is to be undone when this process ends, however it does. */
export class Workspace {
  readonly path: string;
  readonly #keep: string | undefined;
  readonly #endings: (() => void)[] = [];
  #folders = 0;

  /** @param keep where `keep` copies to. @default nowhere */
  constructor(keep?: string) {
    this.#keep = keep;
    this.path = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-torture-'));
    process.once('exit', () => {
      this.#end();
    });
    for (const [signal, number] of Object.entries(SIGNALS)) {
      process.once(signal, () => process.exit(128 + number));
    }
    const fail = (error: unknown): void => {
      console.error(error);
      process.exit(1);
    };
    // Before the listeners of tfjs's wasm, which end the process without the event 'exit'.
    process.prependListener('uncaughtException', fail).prependListener('unhandledRejection', fail);
    this.atEnd(() => {
      rmSync(this.path, { recursive: true, force: true });
    });
    // Where a program is compiled to, it looks for its packages.
    symlinkSync(MODULES, join(this.path, 'node_modules'), 'junction');
    // The claims on folders, of this process and of its children: those of killed processes are to go as well.
    process.env['TMPDIR'] = join(this.path, 'tmp');
    mkdirSync(process.env['TMPDIR']);
  }

  /** Run last in, first out; must not wait for anything. */
  atEnd(action: () => void): void {
    this.#endings.push(action);
  }

  /** A path that is not taken. */
  newPath(name: string, parent = this.path): string {
    this.#folders++;
    return join(parent, `${name}-${this.#folders}`);
  }

  /** Where the user has asked for it, keeps what is in `folder`. @returns where it is, for messages; else null. */
  keep(folder: string): string | null {
    if (this.#keep === undefined) return null;
    const copy = this.newPath('lost', this.#keep);
    cpSync(folder, copy, { recursive: true });
    return `kept in ${copy}`;
  }

  #end(): void {
    for (const action of this.#endings.splice(0).reverse()) {
      try {
        action();
      } catch (error) {
        console.error(error);
      }
    }
  }
}

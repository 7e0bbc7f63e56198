import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/** The worker processes of this machine. One that is killed is replaced. */
export class WorkerProcesses {
  /** Resolves when none is left that could train. */
  readonly ended: Promise<void>;
  readonly #args: readonly string[];
  readonly #children = new Map<ChildProcess, Promise<void>>();
  #isStopping = false;
  #setEnded: () => void = () => undefined;

  /** @param args the command line of each. */
  constructor(count: number, args: readonly string[]) {
    this.#args = args;
    this.ended = new Promise((resolve) => (this.#setEnded = resolve));
    for (let i = 0; i < count; i++) this.#start();
  }

  /** Lets each return its training to the queue. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#children.keys()) child.kill('SIGTERM');
    await Promise.all(this.#children.values());
  }

  #start(): void {
    // The command itself has shown what the AWS SDK says of Node 20.
    const execArgv = [...process.execArgv, '--disable-warning=NodeVersionSupportWarning'];
    const child = fork(WORKER, this.#args, { execArgv });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        this.#children.delete(child);
        this.#onExit(code, signal);
        resolve();
      });
    });
    this.#children.set(child, ended);
  }

  #onExit(code: number | null, signal: string | null): void {
    if (this.#isStopping) return;
    if (signal !== null) {
      console.error(`A worker was killed (${signal}). Another takes its place.`);
      this.#start();
      return;
    }
    console.error(`A worker has ended with status ${code ?? 'unknown'}.`);
    if (this.#children.size === 0) this.#setEnded();
  }
}

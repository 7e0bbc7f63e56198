import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { pause } from './pause.js';

/** A port of this machine that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/** A server that a suite has started. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, ended: Promise<void>) {
    this.#child = child;
    this.#ended = ended;
  }

  /**
   * Starts a program, and waits until it answers.
   *
   * @param remedy what to do where there's no such program.
   */
  static async start(
    command: string,
    args: readonly string[],
    answers: () => Promise<unknown>,
    remedy: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ServerProcess> {
    const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, ...env } });
    const failures: Error[] = [];
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        failures.push(new Error(`Expected to start ${command}, got: ${error.message}. ${remedy}`));
        resolve();
      });
      child.once('exit', (code) => {
        failures.push(new Error(`${command} has ended with status ${code ?? 'none'}.`));
        resolve();
      });
    });
    const isUp = (): Promise<boolean> =>
      answers().then(
        () => true,
        () => false,
      );
    while (!(await isUp())) {
      if (failures[0] !== undefined) throw failures[0];
      await pause();
    }
    return new ServerProcess(child, ended);
  }

  /** Ends it at once, with all that it has in memory. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

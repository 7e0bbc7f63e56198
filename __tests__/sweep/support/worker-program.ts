import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TrainingEvent } from '../../../examples/sweep/run-training.js';
import { compileProgram } from '../../../torture/compile-program.js';

/** The compiled worker of the sweep: many of them start sooner than from its source. */
export class WorkerProgram {
  readonly #folder: string;
  readonly #path: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<WorkerProcess>();

  private constructor(folder: string, path: string, env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.#folder = folder;
    this.#path = path;
  }

  /** @param env of the workers. */
  static async compile(env: NodeJS.ProcessEnv): Promise<WorkerProgram> {
    const folder = mkdtempSync(join(tmpdir(), 'sweep-worker-'));
    // It looks for its packages beside itself.
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
    const entry = new URL('../../../examples/sweep/worker.ts', import.meta.url);
    return new WorkerProgram(folder, await compileProgram(entry, folder), env);
  }

  start(args: readonly string[], onEvent: (event: TrainingEvent) => void = () => undefined): WorkerProcess {
    const worker = new WorkerProcess(this.#path, args, this.#env, onEvent);
    this.#running.add(worker);
    return worker;
  }

  /** Kills all that still run. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.end('SIGKILL')));
    rmSync(this.#folder, { recursive: true });
  }
}

/** What is said of these short trainings doesn't matter here. */
const EXPECTED_WARNING = /^\[entropy-checkpoint\] The kept epoch, .*\n/gm;

/** How a process ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly stderr: string;
}

export class WorkerProcess {
  readonly events: TrainingEvent[] = [];
  readonly ended: Promise<WorkerExit>;
  readonly #child: ChildProcess;

  constructor(
    path: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    onEvent: (event: TrainingEvent) => void,
  ) {
    this.#child = fork(path, args, {
      env,
      // The AWS SDK warns of versions of Node that are older than it likes.
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    this.#child.on('message', (event: TrainingEvent) => {
      this.events.push(event);
      onEvent(event);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        resolve({ code, stderr: stderr.replaceAll(EXPECTED_WARNING, '') });
      });
    });
  }

  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<WorkerExit> {
    this.#child.kill(signal);
    return this.ended;
  }
}

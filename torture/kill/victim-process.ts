import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Workspace } from '../workspace.js';

/** What is known of a process that has ended. */
export interface VictimExit<Report> {
  /** Its reports, up to the last complete line. */
  readonly reports: readonly Partial<Report>[];
  /** The other lines of its stdout. */
  readonly prints: readonly string[];
  readonly stderr: string;
  /** null: it was killed by a signal. */
  readonly exitCode: number | null;
}

const runningVictims = new Set<ChildProcess>();

/** Called when the parent ends. */
export function killRunningVictims(): void {
  for (const child of runningVictims) child.kill('SIGKILL');
}

/** A child process to be killed. It starts at once, and waits for its order. */
export class VictimProcess<Order extends object, Report extends object> {
  readonly ready: Promise<void>;
  readonly ended: Promise<VictimExit<Report>>;
  readonly #child: ChildProcess;
  readonly #reports: Partial<Report>[] = [];
  readonly #prints: string[] = [];
  #stderr = '';

  constructor(program: string, args: readonly string[], workspace: Workspace) {
    if (runningVictims.size === 0) workspace.onExit(killRunningVictims);
    this.#child = fork(program, args, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    runningVictims.add(this.#child);
    this.ended = this.#watchEnd();
    let setReady: () => void = () => undefined;
    this.ready = new Promise((resolve) => (setReady = resolve));
    createInterface(this.#child.stdout!).on('line', (line) => {
      this.#addLine(line);
      setReady();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // If it fails before it is ready, `ended` says why.
    void this.ended.then(setReady);
  }

  order(order: Order): void {
    // Sending fails only if the process has ended, and `ended` says why.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #addLine(line: string): void {
    try {
      this.#reports.push(JSON.parse(line) as Partial<Report>);
    } catch {
      this.#prints.push(line);
    }
  }

  #watchEnd(): Promise<VictimExit<Report>> {
    return new Promise((resolve) => {
      this.#child.once('error', (error) => (this.#stderr += error.message));
      // Not 'exit': its output must have been read first.
      this.#child.once('close', (exitCode) => {
        runningVictims.delete(this.#child);
        resolve({ reports: this.#reports, prints: this.#prints, stderr: this.#stderr, exitCode });
      });
    });
  }
}

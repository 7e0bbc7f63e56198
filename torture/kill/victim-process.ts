import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Workspace } from '../workspace.js';

/** What a process has left behind. */
export interface Ended<Report> {
  /** What it has reported, up to the last complete line. */
  readonly reports: readonly Partial<Report>[];
  /** Lines of its stdout that are no reports. */
  readonly prints: readonly string[];
  readonly stderr: string;
  /** null: killed, as intended. */
  readonly exitCode: number | null;
}

const running = new Set<ChildProcess>();

/** For the end of the parent. */
export function killVictims(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A process that is to be killed. It gets ready by itself, and begins when it is ordered to. */
export class VictimProcess<Order extends object, Report extends object> {
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended<Report>>;
  readonly #child: ChildProcess;
  readonly #reports: Partial<Report>[] = [];
  readonly #prints: string[] = [];
  #stderr = '';

  constructor(program: string, args: readonly string[], workspace: Workspace) {
    if (running.size === 0) workspace.atEnd(killVictims);
    this.#child = fork(program, args, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    running.add(this.#child);
    this.ended = this.#watchEnd();
    let setReady: () => void = () => undefined;
    this.ready = new Promise((resolve) => (setReady = resolve));
    createInterface(this.#child.stdout!).on('line', (line) => {
      this.#take(line);
      setReady();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // One that fails before it is ready is told of by its end.
    void this.ended.then(setReady);
  }

  order(order: Order): void {
    // What cannot be sent has an ended process as its reason.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(line: string): void {
    try {
      this.#reports.push(JSON.parse(line) as Partial<Report>);
    } catch {
      this.#prints.push(line);
    }
  }

  #watchEnd(): Promise<Ended<Report>> {
    return new Promise((resolve) => {
      this.#child.once('error', (error) => (this.#stderr += error.message));
      // Not 'exit': what it has written is to be read first.
      this.#child.once('close', (exitCode) => {
        running.delete(this.#child);
        resolve({ reports: this.#reports, prints: this.#prints, stderr: this.#stderr, exitCode });
      });
    });
  }
}

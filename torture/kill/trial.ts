import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { linkCopy } from '../stored-files.js';
import type { Workspace } from '../workspace.js';
import type { VictimExit, VictimProcess } from './victim-process.js';

/** One folder, and the processes that write to it one after another. */
export interface Trial<Order extends object, Report extends object> {
  readonly folder: string;
  /** A kill comes at a random moment within this time after the order; null: processes kill themselves. */
  readonly windowMs: number | null;
  /** Starts a process that waits for its order. */
  start(): VictimProcess<Order, Report>;
  /**
   * @param previous the run before it; null for the first.
   * @param willBeKilled false: the process must end by itself.
   */
  order(previous: VictimRun<Report> | null, willBeKilled: boolean): Order;
  /** Whether this folder needs no further process. */
  isOver(last: VictimRun<Report>): boolean;
  /** Compares the folder with what it should contain. Called once per run, in order. */
  judge(run: VictimRun<Report>): Promise<void>;
}

/** How one process ended, and what it left behind. */
export interface VictimRun<Report> extends VictimExit<Report> {
  readonly wasKilled: boolean;
  /** The time from the kill until the process had exited. */
  readonly exitDelayMs: number;
  readonly orderedAtMs: number;
  /** A copy of the folder, made when the process had exited. */
  readonly found: string;
}

/** The kills that are left, shared by concurrent trials. */
export class KillBudget {
  readonly #onChange: (left: number) => void;
  #left: number;

  constructor(kills: number, onChange: (left: number) => void) {
    this.#left = kills;
    this.#onChange = onChange;
  }

  get left(): number {
    return this.#left;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#onChange(--this.#left);
    return true;
  }

  /** Returns a kill to the budget: the process had ended before it could be killed. */
  refund(): void {
    this.#onChange(++this.#left);
  }
}

/** Starts one process after another in the trial's folder and kills it. Once no kills are left, one may finish. */
export async function runTrial<Order extends object, Report extends object>(
  trial: Trial<Order, Report>,
  budget: KillBudget,
  random: () => number,
  workspace: Workspace,
): Promise<void> {
  let standby = trial.start();
  let judging = Promise.resolve();
  let last: VictimRun<Report> | null = null;
  try {
    while (last === null || !trial.isOver(last)) {
      const victim = standby;
      // Started ahead, so that the measured time until the lock does not include the start of a process.
      standby = trial.start();
      await Promise.all([victim.ready, standby.ready, judging]);
      const willBeKilled = budget.take();
      const order = trial.order(last, willBeKilled);
      const { windowMs } = trial;
      const killAfterMs = willBeKilled && windowMs !== null ? random() * windowMs : null;
      const run = await runVictim(victim, order, killAfterMs);
      if (willBeKilled && !run.wasKilled) budget.refund();
      const found = workspace.newPath('found', dirname(trial.folder));
      linkCopy(trial.folder, found);
      last = { ...run, found };
      judging = trial.judge(last).finally(() => {
        rmSync(found, { recursive: true });
      });
      // It is awaited in the next round. Until then a rejection would count as unhandled.
      judging.catch(() => undefined);
    }
    await judging;
  } finally {
    standby.kill();
    await standby.ended;
    rmSync(trial.folder, { recursive: true, force: true });
  }
}

async function runVictim<Order extends object, Report extends object>(
  victim: VictimProcess<Order, Report>,
  order: Order,
  killAfterMs: number | null,
): Promise<Omit<VictimRun<Report>, 'found'>> {
  const orderedAtMs = Date.now();
  victim.order(order);
  const kill = (): number => {
    victim.kill();
    return Date.now();
  };
  const timer = new AbortController();
  const killing =
    killAfterMs === null ? null : delay(killAfterMs, null, { signal: timer.signal }).then(kill, () => null);
  const exit = await victim.ended;
  timer.abort();
  const killedAtMs = await killing;
  const wasKilled = exit.exitCode === null;
  return { ...exit, wasKilled, exitDelayMs: killedAtMs === null ? 0 : Date.now() - killedAtMs, orderedAtMs };
}

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { linkCopy } from '../stored-files.js';
import type { Workspace } from '../workspace.js';
import type { Ended, VictimProcess } from './victim-process.js';

/** One folder, and the processes that work on it one after the other. */
export interface Trial<Order extends object, Report extends object> {
  readonly folder: string;
  /** The moment of a kill is drawn from as many milliseconds after the order; null: processes kill themselves. */
  readonly windowMs: number | null;
  /** Starts a process that waits for its order. */
  start(): VictimProcess<Order, Report>;
  /**
   * @param before what the process before it has left; null for the first.
   * @param willBeKilled else it must end by itself.
   */
  order(before: Session<Report> | null, willBeKilled: boolean): Order;
  /** Whether there is nothing more to be done in this folder. */
  isOver(last: Session<Report>): boolean;
  /** Compares what was found with what should be there; in turn. */
  judge(session: Session<Report>): Promise<void>;
}

/** What came of one process. */
export interface Session<Report> extends Ended<Report> {
  readonly wasKilled: boolean;
  /** From the kill until the process was gone. */
  readonly dyingMs: number;
  readonly orderedAtMs: number;
  /** The folder, as it was then. */
  readonly found: string;
}

/** The kills that are to be done, shared by the loops that run side by side. */
export class Budget {
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

  /** A process had ended before it could be killed. */
  giveBack(): void {
    this.#onChange(++this.#left);
  }
}

/** Lets processes work in the trial's folder and kills them; once there are no kills left, lets one finish. */
export async function runTrial<Order extends object, Report extends object>(
  trial: Trial<Order, Report>,
  budget: Budget,
  random: () => number,
  workspace: Workspace,
): Promise<void> {
  let standby = trial.start();
  let judging = Promise.resolve();
  let last: Session<Report> | null = null;
  try {
    while (last === null || !trial.isOver(last)) {
      const victim = standby;
      // Ready when it is needed, so that no start of a process is in the time to its claim.
      standby = trial.start();
      await Promise.all([victim.ready, standby.ready, judging]);
      const willBeKilled = budget.take();
      const order = trial.order(last, willBeKilled);
      const { windowMs } = trial;
      const killAfterMs = willBeKilled && windowMs !== null ? random() * windowMs : null;
      const ended = await runSession(victim, order, killAfterMs);
      if (willBeKilled && !ended.wasKilled) budget.giveBack();
      const found = workspace.newPath('found', dirname(trial.folder));
      linkCopy(trial.folder, found);
      last = { ...ended, found };
      judging = trial.judge(last).finally(() => {
        rmSync(found, { recursive: true });
      });
      // Awaited in the next round; until then nobody listens.
      judging.catch(() => undefined);
    }
    await judging;
  } finally {
    standby.kill();
    await standby.ended;
    rmSync(trial.folder, { recursive: true, force: true });
  }
}

async function runSession<Order extends object, Report extends object>(
  victim: VictimProcess<Order, Report>,
  order: Order,
  killAfterMs: number | null,
): Promise<Omit<Session<Report>, 'found'>> {
  const orderedAtMs = Date.now();
  victim.order(order);
  const kill = (): number => {
    victim.kill();
    return Date.now();
  };
  const timer = new AbortController();
  const killing =
    killAfterMs === null ? null : delay(killAfterMs, null, { signal: timer.signal }).then(kill, never);
  const ended = await victim.ended;
  timer.abort();
  const killedAtMs = await killing;
  const wasKilled = ended.exitCode === null;
  return { ...ended, wasKilled, dyingMs: killedAtMs === null ? 0 : Date.now() - killedAtMs, orderedAtMs };
}

function never(): null {
  return null;
}

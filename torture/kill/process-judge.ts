import { storedFiles } from '../stored-files.js';
import type { Tally } from '../tally.js';
import type { KillRow } from './kill-rows.js';
import type { VictimRun } from './trial.js';

/** What every kind of process reports. */
interface CommonReport {
  readonly lockedAtMs: number;
  readonly leftovers: readonly string[];
}

/** What is killed: a training, a save loop, or a training that kills itself. */
export type VictimKind = 'training' | 'saving' | 'self';

/** The entropy of these trainings only falls. That warning does not matter here. */
const EXPECTED_WARNING = /^\[entropy-checkpoint\] The kept epoch, .*$/gm;

/** Judges how a process ended, and what holds for every process that writes to a folder. */
export class ProcessJudge {
  readonly #kind: VictimKind;
  readonly #tally: Tally<KillRow>;
  /** The time from the kill of the previous process to its exit; null if it was not killed. */
  #exitDelayMs: number | null = null;

  constructor(kind: VictimKind, tally: Tally<KillRow>) {
    this.#kind = kind;
    this.#tally = tally;
  }

  judge(run: VictimRun<CommonReport>): void {
    const { wasKilled, exitCode, stderr, reports, found } = run;
    if (wasKilled) this.#countKill(found);
    const errors = stderr.replaceAll(EXPECTED_WARNING, '').trim();
    if (errors !== '' || (!wasKilled && exitCode !== 0)) {
      this.#tally.addLoss('failed', `${this.#kind} ended with ${String(exitCode)} and printed: ${errors}`);
    }
    const lockedAtMs = reports.find((report) => report.lockedAtMs !== undefined)?.lockedAtMs;
    if (lockedAtMs !== undefined && this.#exitDelayMs !== null) {
      this.#tally.recordMax(
        this.#kind === 'saving' ? 'lockMs' : 'resumeMs',
        lockedAtMs - run.orderedAtMs + this.#exitDelayMs,
      );
    }
    for (const name of reports.flatMap(({ leftovers = [] }) => leftovers)) {
      this.#tally.addLoss('leftovers', `${name} after ${this.#kind}`);
    }
    this.#exitDelayMs = wasKilled ? run.exitDelayMs : null;
  }

  #countKill(found: string): void {
    const { temporary, unnamed } = storedFiles(found);
    this.#tally.count(`${this.#kind}Kills`);
    if (temporary.length + unnamed.length > 0) this.#tally.count(`${this.#kind}Unfinished`);
  }
}

import { storedFiles } from '../stored-files.js';
import type { Tally } from '../tally.js';
import type { KillRow } from './kill-rows.js';
import type { Session } from './kill-loop.js';

/** What both kinds of processes report. */
interface Common {
  readonly claimedAtMs: number;
  readonly leftovers: readonly string[];
}

/** What is killed: a training, a loop of saves, or a training that kills itself. */
export type VictimKind = 'training' | 'saving' | 'self';

/** Of an entropy that only falls, which is no matter here. */
const EXPECTED_WARNING = /^\[entropy-checkpoint\] The kept epoch, .*$/gm;

/** Judges a process by how it ended and by what holds for any that writes to a folder. */
export class ProcessJudge {
  readonly #kind: VictimKind;
  readonly #tally: Tally<KillRow>;
  /** How long the process before took to die; null where it was not killed. */
  #dyingMs: number | null = null;

  constructor(kind: VictimKind, tally: Tally<KillRow>) {
    this.#kind = kind;
    this.#tally = tally;
  }

  judge(session: Session<Common>): void {
    const { wasKilled, exitCode, stderr, reports, found } = session;
    if (wasKilled) this.#countKill(found);
    const said = stderr.replaceAll(EXPECTED_WARNING, '').trim();
    if (said !== '' || (!wasKilled && exitCode !== 0)) {
      this.#tally.lose('failed', `${this.#kind} ended with ${String(exitCode)} and said: ${said}`);
    }
    const claimedAtMs = reports.find((report) => report.claimedAtMs !== undefined)?.claimedAtMs;
    if (claimedAtMs !== undefined && this.#dyingMs !== null) {
      this.#tally.longest(
        this.#kind === 'saving' ? 'claimMs' : 'resumeMs',
        claimedAtMs - session.orderedAtMs + this.#dyingMs,
      );
    }
    for (const name of reports.flatMap(({ leftovers = [] }) => leftovers)) {
      this.#tally.lose('leftovers', `${name} after ${this.#kind}`);
    }
    this.#dyingMs = wasKilled ? session.dyingMs : null;
  }

  #countKill(found: string): void {
    const { temporary, unnamed } = storedFiles(found);
    this.#tally.count(`${this.#kind}Kills`);
    if (temporary.length + unnamed.length > 0) this.#tally.count(`${this.#kind}Unfinished`);
  }
}

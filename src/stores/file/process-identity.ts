import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { hasErrorCode } from './durable-folder.js';

/** Identifies a process, and distinguishes it from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** A hash of its start time, or `'unknown'`. */
  readonly start: string;
}

export function isRunning({ pid, start }: ProcessIdentity): boolean {
  const startNow = processStart(pid);
  if (startNow === null) return false;
  if (start !== 'unknown' && startNow !== 'unknown') return start === startNow;
  // Without start times (Windows), only the id is compared. A reused id may refuse a training until that process has
  // ended, but two trainings never share a folder.
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrorCode(error, 'EPERM');
  }
}

/** A hash of a process's start time. Null if the process doesn't exist, 'unknown' if the time cannot be read. */
export function processStart(pid: number): string | null {
  const start = process.platform === 'linux' ? linuxProcessStart(pid) : psProcessStart(pid);
  if (start === null || start === 'unknown') return start;
  return createHash('sha256').update(start).digest('hex').slice(0, 16);
}

function linuxProcessStart(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in parentheses. The command may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, even if its parent has not noticed yet.
    if (['Z', 'X', 'x'].includes(fields[0] ?? '')) return null;
    // Field 22 is the start time since boot, so it needs the id of the boot.
    return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19]}`;
  } catch (error) {
    const isGone = hasErrorCode(error, 'ENOENT', 'ESRCH') && !fs.existsSync(`/proc/${pid}/stat`);
    return isGone && fs.existsSync('/proc/self/stat') ? null : 'unknown';
  }
}

function psProcessStart(pid: number): string | null {
  if (process.platform === 'win32') return 'unknown';
  try {
    // `ps` prints local time in the local language. A process with other settings must read the same text.
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    const args = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)];
    const text = execFileSync('ps', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [state, ...start] = text.trim().split(/\s+/);
    if (state?.startsWith('Z')) return null;
    return start.length === 0 ? 'unknown' : start.join(' ');
  } catch {
    // `ps` also fails for a process that has ended. Then the caller checks the id.
    return 'unknown';
  }
}

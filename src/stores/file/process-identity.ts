import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { hasErrorCode } from './durable-folder.js';

/** A process, told from a later one that was given the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Stands for the time at which it started; `'unknown'` where that cannot be told. */
  readonly start: string;
}

export function isRunning({ pid, start }: ProcessIdentity): boolean {
  const startNow = processStart(pid);
  if (startNow === null) return false;
  if (start !== 'unknown' && startNow !== 'unknown') return start === startNow;
  // Without start times (Windows) the id alone decides: a reused id may refuse a training until that process
  // has ended, but two trainings never share a folder.
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrorCode(error, 'EPERM');
  }
}

/** Tells a process from a later one of the same id; null when there is none, 'unknown' when it cannot be told. */
export function processStart(pid: number): string | null {
  const start = process.platform === 'linux' ? linuxProcessStart(pid) : psProcessStart(pid);
  if (start === null || start === 'unknown') return start;
  return createHash('sha256').update(start).digest('hex').slice(0, 16);
}

function linuxProcessStart(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in parentheses, which may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, whether or not its parent has taken notice.
    if (['Z', 'X', 'x'].includes(fields[0] ?? '')) return null;
    // Field 22 counts from the last boot.
    return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19]}`;
  } catch (error) {
    const isGone = hasErrorCode(error, 'ENOENT', 'ESRCH') && !fs.existsSync(`/proc/${pid}/stat`);
    return isGone && fs.existsSync('/proc/self/stat') ? null : 'unknown';
  }
}

function psProcessStart(pid: number): string | null {
  if (process.platform === 'win32') return 'unknown';
  try {
    // `ps` prints local time in the local language; a process with another setting must read the same.
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    const args = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)];
    const text = execFileSync('ps', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [state, ...start] = text.trim().split(/\s+/);
    if (state?.startsWith('Z')) return null;
    return start.length === 0 ? 'unknown' : start.join(' ');
  } catch {
    // `ps` also fails for a process that is gone; then asking by id tells.
    return 'unknown';
  }
}

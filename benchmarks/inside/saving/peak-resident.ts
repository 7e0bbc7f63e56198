import { readFileSync, writeFileSync } from 'node:fs';

/** Of the process, in bytes. */
export interface Resident {
  readonly before: number;
  readonly peak: number;
}

/**
 * The resident set of this process before `action`, and the largest while it runs. Only Linux tells: it can
 * be made to forget the peaks of before.
 *
 * @returns null elsewhere.
 */
export async function peakResident(action: () => Promise<unknown>): Promise<Resident | null> {
  const before = forgetPeak();
  await action();
  return before === null ? null : { before, peak: residentBytes('VmHWM') };
}

/** @returns the resident set as it is; null where it cannot be forgotten. */
function forgetPeak(): number | null {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return residentBytes('VmRSS');
  } catch {
    return null;
  }
}

/** It tells kibibytes. */
function residentBytes(field: 'VmHWM' | 'VmRSS'): number {
  const [, kibibytes] =
    new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`Expected /proc/self/status to tell ${field}.`);
  return Number(kibibytes) * 1024;
}

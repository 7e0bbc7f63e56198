import { readFileSync, writeFileSync } from 'node:fs';

/** Resident sets of the process, in bytes. */
export interface ResidentSet {
  readonly before: number;
  readonly peak: number;
}

/**
 * Measures the resident set of this process before `action`, and its peak while `action` runs. That takes Linux, which
 * can reset the peak.
 *
 * @returns null on other systems.
 */
export async function peakResidentSet(action: () => Promise<unknown>): Promise<ResidentSet | null> {
  const before = resetPeak();
  await action();
  return before === null ? null : { before, peak: residentBytes('VmHWM') };
}

/** @returns the current resident set; null if the peak cannot be reset. */
function resetPeak(): number | null {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return residentBytes('VmRSS');
  } catch {
    return null;
  }
}

/** The system reports kibibytes. */
function residentBytes(field: 'VmHWM' | 'VmRSS'): number {
  const [, kibibytes] =
    new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`Expected /proc/self/status to contain ${field}.`);
  return Number(kibibytes) * 1024;
}

import type { RowSpec } from '../tally.js';

export const DISK_ROWS = {
  full: { what: 'trainings whose disk became full (tmpfs, ext4, no more files)' },
  failing: { what: '… with saves that failed', wanted: 'some' },
  fitting: { what: '… in which all saves still fitted in', wanted: 'some' },
  readOnly: { what: 'trainings whose folder could not be written for a while' },
  removed: { what: 'trainings whose folder was removed' },
  warnings: { what: 'failures not told by exactly one warning', wanted: 'none' },
  stopped: { what: 'trainings that stopped, or went on differently', wanted: 'none' },
  previous: { what: 'previous checkpoints lost or damaged by a save that failed', wanted: 'none' },
  leftovers: { what: 'files that a failed save left on the disk', wanted: 'none' },
  notStored: { what: 'epochs not stored although there was room again', wanted: 'none' },
} as const satisfies Record<string, RowSpec>;

export type DiskRow = keyof typeof DISK_ROWS;

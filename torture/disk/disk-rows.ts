import type { RowSpec } from '../tally.js';

export const DISK_ROWS = {
  full: { what: 'trainings whose disk became full (tmpfs, ext4, no more files)' },
  failing: { what: '… with saves that failed', wanted: 'some' },
  fitting: { what: '… in which every save had room', wanted: 'some' },
  readOnly: { what: 'trainings whose folder was read-only for a while' },
  removed: { what: 'trainings whose folder was removed, moved away or emptied' },
  noticed: { what: '… noticed with one warning, and written again', wanted: 'some' },
  warnings: { what: 'failures without exactly one warning', wanted: 'none' },
  stopped: { what: 'trainings that stopped, or computed other numbers', wanted: 'none' },
  previous: { what: 'previous checkpoints lost or damaged by a failed save', wanted: 'none' },
  leftovers: { what: 'files that a failed save left on the disk', wanted: 'none' },
  missing: { what: 'kept epochs that are not stored after a training', wanted: 'none' },
  notStored: { what: 'epochs not stored although there was room again', wanted: 'none' },
} as const satisfies Record<string, RowSpec>;

export type DiskRow = keyof typeof DISK_ROWS;

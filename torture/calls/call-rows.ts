import type { RowSpec } from '../tally.js';

export const CALL_ROWS = {
  windows: { what: 'trainings whose disk was full from one call of the file system to another' },
  failing: { what: '… with saves that failed', wanted: 'some' },
  stale: {
    what: '`flush` resolved without everything stored, or rejected with everything stored',
    wanted: 'none',
  },
  forgotten: { what: 'epochs not stored once there was room again', wanted: 'none' },
  crashes: { what: 'first saves of a new training beside an older one, ended before each call' },
  older: { what: '… after which the older training was resumed, whole', wanted: 'some' },
  newer: { what: '… after which the newer training was resumed, whole', wanted: 'some' },
  mixed: { what: 'records of one training with weights of another, or neither whole', wanted: 'none' },
} as const satisfies Record<string, RowSpec>;

export type CallRow = keyof typeof CALL_ROWS;

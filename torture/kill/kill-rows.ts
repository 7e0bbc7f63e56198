import type { RowSpec } from '../tally.js';

export const KILL_ROWS = {
  trainingKills: { what: 'trainings killed (SIGKILL) at any moment' },
  trainingUnfinished: { what: '… in the midst of a save: it has left files behind', wanted: 'some' },
  selfKills: { what: 'trainings killed just before a save renames or removes a file' },
  selfUnfinished: { what: '… in the midst of a save', wanted: 'some' },
  finished: { what: 'trainings that came to their end, after many kills', wanted: 'some' },
  savingKills: { what: 'loops of saves, without training, killed at any moment' },
  savingUnfinished: { what: '… in the midst of a save', wanted: 'some' },
  between: { what: 'of all kills, those with a save in some of its slots and not in all', wanted: 'some' },
  checkpoints: { what: 'checkpoints loaded after a kill, every bit compared', wanted: 'some' },
  epochs: { what: 'epochs compared with a training that was never interrupted', wanted: 'some' },
  damaged: { what: 'checkpoints that did not load, or not as they were', wanted: 'none' },
  older: { what: 'checkpoints lost: older than what had been reported as stored', wanted: 'none' },
  notKept: { what: 'epochs gone that `maxToKeep` was to keep', wanted: 'none' },
  resumedElsewhere: { what: 'trainings not resumed, or not from the latest epoch', wanted: 'none' },
  differing: { what: 'epochs that went on differently than without a kill', wanted: 'none' },
  leftovers: { what: 'files that stayed although nothing names them', wanted: 'none' },
  failed: { what: 'processes that failed or warned by themselves', wanted: 'none' },
  claimMs: { what: 'longest from a kill until the next had claimed the folder', unit: 'ms' },
  resumeMs: { what: 'longest from a kill until the next training had resumed', unit: 'ms' },
} as const satisfies Record<string, RowSpec>;

export type KillRow = keyof typeof KILL_ROWS;

import type { RowSpec } from '../tally.js';

export const KILL_ROWS = {
  trainingKills: { what: 'trainings killed (SIGKILL) at a random moment' },
  trainingUnfinished: { what: '… during a save: files were left behind', wanted: 'some' },
  selfKills: { what: 'trainings killed just before a save renames or removes a file' },
  selfUnfinished: { what: '… and files were left behind', wanted: 'some' },
  finished: { what: 'trainings that ended, after many kills', wanted: 'some' },
  savingKills: { what: 'save loops without training, killed at a random moment' },
  savingUnfinished: { what: '… during a save: files were left behind', wanted: 'some' },
  betweenSlots: { what: 'kills after which a save was in some of its slots, not in all', wanted: 'some' },
  checkpoints: { what: 'checkpoints loaded after a kill, every bit compared', wanted: 'some' },
  epochs: { what: 'epochs compared with an uninterrupted training', wanted: 'some' },
  damaged: { what: 'checkpoints that did not load, or differed', wanted: 'none' },
  older: { what: 'checkpoints lost: older than reported as stored', wanted: 'none' },
  notKept: { what: 'epochs missing that `maxToKeep` should have kept', wanted: 'none' },
  wrongResume: { what: 'trainings not resumed, or not from the latest epoch', wanted: 'none' },
  diverged: { what: 'epochs that differed from those of a training without a kill', wanted: 'none' },
  leftovers: { what: 'files left that no manifest names', wanted: 'none' },
  failed: { what: 'processes that failed or warned by themselves', wanted: 'none' },
  lockMs: { what: 'longest time from a kill until the next process had locked the folder', unit: 'ms' },
  resumeMs: { what: 'longest time from a kill until the next training had resumed', unit: 'ms' },
} as const satisfies Record<string, RowSpec>;

export type KillRow = keyof typeof KILL_ROWS;

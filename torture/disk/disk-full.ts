import { rmSync } from 'node:fs';
import type { Flags } from '../flags.js';
import { Progress } from '../progress.js';
import { Tally, type PartResult } from '../tally.js';
import { DISK_PLAN } from '../training/plans.js';
import { referenceOf } from '../training/reference.js';
import { disposeModel, makeModel } from '../training/train.js';
import type { Workspace } from '../workspace.js';
import { casesHere } from './cases.js';
import { DISK_ROWS } from './disk-rows.js';
import { ENDINGS, HINDERED_EPOCHS } from './hindered-training.js';
import { tryHindered } from './judge-hindered.js';

/** Trains on disks that become full, and in folders that vanish or cannot be written for a while. */
export async function runFullDisks({ quick }: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('disk-full', DISK_ROWS);
  const model = makeModel(DISK_PLAN);
  const judge = { reference: await referenceOf(DISK_PLAN), model, tally, workspace };
  const trials = casesHere(quick, tally, workspace).flatMap((one, i) => {
    const ways = HINDERED_EPOCHS.flatMap((hinderedEpoch) =>
      ENDINGS.map((ending) => ({ ...one, hinderedEpoch, ending })),
    );
    return quick ? [ways[i % ways.length]!] : ways;
  });
  const progress = new Progress('trainings on full disks', trials.length, () => tally.losses);
  try {
    for (const { row, parent, hinder, ...trial } of trials) {
      const folder = workspace.newPath('checkpoint', parent);
      const hasFailed = await tryHindered({ ...trial, folder, hindrance: hinder(folder) }, judge);
      tally.count(row);
      if (row === 'full') tally.count(hasFailed ? 'failing' : 'fitting');
      rmSync(folder, { recursive: true, force: true });
      progress.step();
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
  return tally.result();
}

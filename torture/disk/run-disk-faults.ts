import { rmSync } from 'node:fs';
import type { Flags } from '../flags.js';
import { Progress } from '../progress.js';
import { Tally, type PartResult } from '../tally.js';
import { DISK_PLAN } from '../training/plans.js';
import { referenceOf } from '../training/reference.js';
import { disposeModel, makeModel } from '../training/train.js';
import type { Workspace } from '../workspace.js';
import { availableFaults } from './disk-faults.js';
import { DISK_ROWS } from './disk-rows.js';
import { RECOVERIES, FAULT_EPOCHS } from './train-with-fault.js';
import { runFaultTrial } from './fault-trial.js';

/** Trains on disks that become full, and in folders that are removed or read-only for a while. */
export async function runDiskFaults({ quick }: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('disk-full', DISK_ROWS);
  const model = makeModel(DISK_PLAN);
  const context = { reference: await referenceOf(DISK_PLAN), model, tally, workspace };
  const trials = availableFaults(quick, tally, workspace).flatMap((diskFault, i) => {
    const variants = FAULT_EPOCHS.flatMap((faultEpoch) =>
      RECOVERIES.map((recovery) => ({ ...diskFault, faultEpoch, recovery })),
    );
    return quick ? [variants[i % variants.length]!] : variants;
  });
  const progress = new Progress('trainings with disk faults', trials.length, () => tally.losses);
  try {
    for (const { parent, makeFault, ...trial } of trials) {
      const { row } = trial;
      const folder = workspace.newPath('checkpoint', parent);
      const hasFailed = await runFaultTrial({ ...trial, folder, fault: makeFault(folder) }, context);
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

import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../../src/index.js';
import { leftoversIn, storedFiles } from '../stored-files.js';
import type { Tally } from '../tally.js';
import { loadSlots } from '../training/load-slots.js';
import type { ReferenceEpoch } from '../training/reference.js';
import { watchWarnings } from '../watch-warnings.js';
import type { Workspace } from '../workspace.js';
import type { DiskRow } from './disk-rows.js';
import { trainWithFault, type Recovery, type Fault, type Outcome } from './train-with-fault.js';

export interface FaultTrialContext {
  readonly reference: readonly ReferenceEpoch[];
  /** A model to load into. */
  readonly model: tf.LayersModel;
  readonly tally: Tally<DiskRow>;
  readonly workspace: Workspace;
}

/** One training with one fault. */
export interface FaultTrial {
  readonly row: DiskRow;
  /** Shown in messages. */
  readonly name: string;
  readonly folder: string;
  readonly fault: Fault;
  readonly faultEpoch: number;
  readonly recovery: Recovery;
}

/** Trains with a folder that cannot be written for a while, and judges the result. @returns whether a save failed. */
export async function runFaultTrial(trial: FaultTrial, context: FaultTrialContext): Promise<boolean> {
  const { name, folder, fault, faultEpoch, recovery } = trial;
  const { tally, workspace } = context;
  const lossesBefore = tally.losses;
  const where = `${name}, fault from epoch ${faultEpoch}, recovery ${recovery}`;
  const inspect = (isDuringFault: boolean, epochs: number): Promise<void> => {
    const storedEpoch = isDuringFault ? faultEpoch - 1 : epochs - 1;
    const when = `${where}, ${isDuringFault ? 'before' : 'after'} the recovery, at epoch ${epochs}`;
    return judgeFolder(
      { folder, storedEpoch, epochs, when, row: isDuringFault ? 'previous' : 'notStored' },
      context,
    );
  };
  const hasFailed = await watchWarnings(async (warnings) => {
    const outcome = await trainWithFault(folder, fault, trial, inspect);
    const vanished = warnings.filter((warning) => warning.includes('have vanished'));
    const others = warnings.filter((warning) => !vanished.includes(warning));
    judgeOutcome(outcome, others, where, recovery, context);
    // Before the first epoch there's nothing to lose.
    const expected = trial.row === 'removed' && faultEpoch > 0 ? 1 : 0;
    if (vanished.length !== expected) {
      tally.addLoss('warnings', `${where}: ${vanished.length} warnings of vanished checkpoints`);
    } else if (expected === 1) tally.count('noticed');
    judgeKept(outcome, folder, where, tally);
    return others.length > 0;
  });
  if (tally.losses > lossesBefore) tally.addNote(workspace.keep(folder));
  return hasFailed;
}

interface Inspection {
  readonly folder: string;
  /** This epoch or a later one must be stored; -1: none has to be. */
  readonly storedEpoch: number;
  /** How many epochs there have been. */
  readonly epochs: number;
  readonly when: string;
  readonly row: DiskRow;
}

async function judgeFolder(
  { folder, storedEpoch, epochs, when, row }: Inspection,
  { reference, model, tally }: FaultTrialContext,
): Promise<void> {
  const { epochs: found, problems } = await loadSlots(folder, model, reference);
  for (const problem of problems) tally.addLoss('previous', `${when}: ${problem}`);
  for (const name of leftoversIn(folder)) tally.addLoss('leftovers', `${when}: ${name}`);
  const [best, last] = [found.get('best') ?? -1, found.get('last') ?? -1];
  // Any of the epochs that follow may be the last for which there was room.
  const possible = reference.slice(Math.max(0, storedEpoch), epochs).map((epoch) => epoch.best);
  if (storedEpoch < 0) possible.push(-1);
  if (possible.includes(best) && last >= storedEpoch) return;
  tally.addLoss(
    row,
    `${when}: expected epoch ${storedEpoch} or later, got ${best} as the best, ${last} as the last`,
  );
}

function judgeOutcome(
  { records, flushError, fitError, lastError }: Outcome,
  warnings: readonly string[],
  where: string,
  recovery: Recovery,
  { reference, tally }: FaultTrialContext,
): void {
  const reported = warnings.filter((warning) => warning.includes('could not be stored'));
  const isWarnedOnce =
    reported.length === warnings.length &&
    (flushError === null ? reported.length <= 1 : reported.length === 1);
  if (!isWarnedOnce)
    tally.addLoss('warnings', `${where}: ${warnings.length} warnings: ${warnings.join(' ')}`);
  if (flushError !== null && !isStoreFailure(flushError)) {
    tally.addLoss('warnings', `${where}: \`flush\` threw ${String(flushError)}`);
  }
  // `fit` throws at its end, unless its last attempt to store everything succeeds.
  const mayThrow = recovery === 'after training' && reported.length > 0;
  const isExpected =
    fitError === null ? !mayThrow || flushError === null : mayThrow && isStoreFailure(fitError);
  if (!isExpected) {
    tally.addLoss('stopped', `${where}: \`fit\` threw ${String(fitError)}`);
  }
  if (JSON.stringify(records) !== JSON.stringify(reference.map(({ record }) => record))) {
    tally.addLoss(
      'stopped',
      `${where}: its ${records.length} epochs differ from those of a training without a fault`,
    );
  }
  if (lastError !== null)
    tally.addLoss('notStored', `${where}: the last \`flush\` threw ${String(lastError)}`);
}

function judgeKept({ kept }: Outcome, folder: string, where: string, tally: Tally<DiskRow>): void {
  const { slots } = storedFiles(folder);
  for (const epoch of kept) {
    if (!slots.has(`epoch-${epoch}`)) tally.addLoss('missing', `${where}: epoch ${epoch}`);
  }
}

function isStoreFailure(error: Error | null): boolean {
  return (
    error instanceof EntropyCheckpointError &&
    error.code === 'ENTROPY_STORE_FAILED' &&
    error.cause !== undefined
  );
}

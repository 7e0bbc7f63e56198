import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../../src/index.js';
import { leftoversIn } from '../stored-files.js';
import type { Tally } from '../tally.js';
import { loadSlots } from '../training/load-slots.js';
import type { ReferenceEpoch } from '../training/reference.js';
import { watchWarnings } from '../watch-warnings.js';
import type { Workspace } from '../workspace.js';
import type { DiskRow } from './disk-rows.js';
import { trainHindered, type Ending, type Hindrance, type Outcome } from './hindered-training.js';

export interface Judge {
  readonly reference: readonly ReferenceEpoch[];
  /** To load into. */
  readonly model: tf.LayersModel;
  readonly tally: Tally<DiskRow>;
  readonly workspace: Workspace;
}

/** What is tried. */
export interface Trial {
  /** For messages. */
  readonly name: string;
  readonly folder: string;
  readonly hindrance: Hindrance;
  readonly hinderedEpoch: number;
  readonly ending: Ending;
}

/** Trains with a folder that cannot be written for a while, and judges. @returns whether a save failed. */
export async function tryHindered(trial: Trial, judge: Judge): Promise<boolean> {
  const { name, folder, hindrance, hinderedEpoch, ending } = trial;
  const { tally, workspace } = judge;
  const lossesBefore = tally.losses;
  const where = `${name} from epoch ${hinderedEpoch} on, no longer ${ending}`;
  const look = (isHindered: boolean, epochs: number): Promise<void> => {
    const storedEpoch = isHindered ? hinderedEpoch - 1 : epochs - 1;
    const when = `${where}, ${isHindered ? 'before' : 'after'} that, at epoch ${epochs}`;
    return judgeFolder(
      { folder, storedEpoch, epochs, when, row: isHindered ? 'previous' : 'notStored' },
      judge,
    );
  };
  const hasFailed = await watchWarnings(async (warnings) => {
    const outcome = await trainHindered(folder, hindrance, trial, look);
    judgeOutcome(outcome, warnings, where, ending, judge);
    return warnings.length > 0;
  });
  if (tally.losses > lossesBefore) tally.note(workspace.keep(folder));
  return hasFailed;
}

interface Look {
  readonly folder: string;
  /** The epoch that is stored at the least; -1: none need be. */
  readonly storedEpoch: number;
  /** How many there have been. */
  readonly epochs: number;
  readonly when: string;
  readonly row: DiskRow;
}

async function judgeFolder(
  { folder, storedEpoch, epochs, when, row }: Look,
  { reference, model, tally }: Judge,
): Promise<void> {
  const { epochs: found, problems } = await loadSlots(folder, model, reference);
  for (const problem of problems) tally.lose('previous', `${when}: ${problem}`);
  for (const name of leftoversIn(folder)) tally.lose('leftovers', `${when}: ${name}`);
  const [best, last] = [found.get('best') ?? -1, found.get('last') ?? -1];
  // Of the epochs that follow any may be the last for which there was room.
  const possible = reference.slice(Math.max(0, storedEpoch), epochs).map((one) => one.best);
  if (storedEpoch < 0) possible.push(-1);
  if (possible.includes(best) && last >= storedEpoch) return;
  tally.lose(
    row,
    `${when}: expected epoch ${storedEpoch} or later, got ${best} as the best, ${last} as the last`,
  );
}

function judgeOutcome(
  { records, flushError, fitError, lastError }: Outcome,
  warnings: readonly string[],
  where: string,
  ending: Ending,
  { reference, tally }: Judge,
): void {
  const told = warnings.filter((warning) => warning.includes('could not be stored, training goes on'));
  const isTold =
    told.length === warnings.length && (flushError === null ? told.length <= 1 : told.length === 1);
  if (!isTold) tally.lose('warnings', `${where}: ${warnings.length} warnings: ${warnings.join(' ')}`);
  if (flushError !== null && !isStoreFailure(flushError)) {
    tally.lose('warnings', `${where}: \`flush\` threw ${String(flushError)}`);
  }
  // `fit` tells of it at its end, though what it has not written may fit in when it is tried again.
  const mayThrow = ending === 'after training' && told.length > 0;
  const isExpected =
    fitError === null ? !mayThrow || flushError === null : mayThrow && isStoreFailure(fitError);
  if (!isExpected) {
    tally.lose('stopped', `${where}: \`fit\` threw ${String(fitError)}`);
  }
  if (JSON.stringify(records) !== JSON.stringify(reference.map(({ record }) => record))) {
    tally.lose('stopped', `${where}: its ${records.length} epochs are not those of a training without`);
  }
  if (lastError !== null) tally.lose('notStored', `${where}: the last \`flush\` threw ${String(lastError)}`);
}

function isStoreFailure(error: Error | null): boolean {
  return (
    error instanceof EntropyCheckpointError &&
    error.code === 'ENTROPY_STORE_FAILED' &&
    error.cause !== undefined
  );
}

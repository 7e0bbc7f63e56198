import type { LayersModel } from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { compileProgram } from '../compile-program.js';
import type { Flags } from '../flags.js';
import { Progress } from '../progress.js';
import { Tally, type PartResult } from '../tally.js';
import { KILL_PLANS } from '../training/plans.js';
import { referenceOf } from '../training/reference.js';
import { makeModel } from '../training/train.js';
import { watchWarnings } from '../watch-warnings.js';
import type { Workspace } from '../workspace.js';
import { KillBudget, runTrial, type Trial } from './trial.js';
import { KILL_ROWS, type KillRow } from './kill-rows.js';
import { SavingTrial } from './saving-trial.js';
import type { SavingOrder, SavingReport } from './saving-victim.js';
import { TrainingTrial } from './training-trial.js';
import type { TrainingOrder, TrainingReport } from './training-victim.js';
import { VictimProcess } from './victim-process.js';

/** How many trials run at a time, each in its own folder. */
const CONCURRENT_TRIALS = 2;
/** By index of the plan. Long enough to resume and save a few times. */
const TRAINING_WINDOWS_MS = [500, 500, 1500, 3000];
const SAVING_WINDOW_MS = 400;
const KILLS_PER_SELF_KILL = 2;
/** A training makes that many renames and removals within a few saves. */
const MAX_CHANGES = 40;

interface Context {
  readonly tally: Tally<KillRow>;
  readonly workspace: Workspace;
}
type NewTrial<Order extends object, Report extends object> = (
  number: number,
) => Promise<Trial<Order, Report>>;

/** Kills trainings, and then save loops, and judges what they leave behind. */
export async function runKills(flags: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('kill', KILL_ROWS);
  const context = { tally, workspace };
  await watchWarnings(async (warnings) => {
    const { kills, seed } = flags;
    await runTrials('trainings killed', kills, await trainings(context, null), flags, context);
    const selfKills = Math.ceil(kills / KILLS_PER_SELF_KILL);
    const random = seedrandom(`${seed} changes`);
    const killAtChange = () => 1 + Math.floor(random() * MAX_CHANGES);
    await runTrials(
      'trainings killed during a save',
      selfKills,
      await trainings(context, killAtChange),
      flags,
      context,
    );
    await runTrials('save loops killed', kills, await saveLoops(context), flags, context);
    for (const warning of warnings)
      tally.addLoss('damaged', `a warning while the files were loaded: ${warning}`);
  });
  return tally.result();
}

async function runTrials<Order extends object, Report extends object>(
  name: string,
  kills: number,
  newTrial: NewTrial<Order, Report>,
  { seed }: Flags,
  { tally, workspace }: Context,
): Promise<void> {
  const progress = new Progress(name, kills, () => tally.losses);
  const budget = new KillBudget(kills, (left) => {
    progress.show(kills - left);
  });
  const run = async (loop: number): Promise<void> => {
    const random = seedrandom(`${seed} ${name} ${loop}`);
    for (let number = loop; budget.left > 0; number += CONCURRENT_TRIALS) {
      await runTrial(await newTrial(number), budget, random, workspace);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENT_TRIALS }, (_, loop) => run(loop)));
  } finally {
    progress.stop();
  }
}

/**
 * @param killAtChange draws the change at which a training kills itself; null: this process kills it at a random
 *   moment.
 */
async function trainings(
  { tally, workspace }: Context,
  killAtChange: (() => number) | null,
): Promise<NewTrial<TrainingOrder, TrainingReport>> {
  const program = await compileProgram(new URL('training-victim.ts', import.meta.url), workspace.path);
  const models = new Map<string, LayersModel>();
  return async (number) => {
    // The order shifts with each round, so that every loop runs every plan.
    const index = (number + Math.floor(number / KILL_PLANS.length)) % KILL_PLANS.length;
    const plan = KILL_PLANS[index]!;
    // Concurrent loops must not load into the same model.
    const key = `${index} ${number % CONCURRENT_TRIALS}`;
    const model = models.get(key) ?? makeModel(plan);
    models.set(key, model);
    return new TrainingTrial({
      windowMs: killAtChange === null ? TRAINING_WINDOWS_MS[index]! : null,
      killAtChange: killAtChange ?? (() => null),
      start: () => new VictimProcess(program, [String(index)], workspace),
      reference: await referenceOf(plan),
      model,
      tally,
      workspace,
    });
  };
}

async function saveLoops({ tally, workspace }: Context): Promise<NewTrial<SavingOrder, SavingReport>> {
  const program = await compileProgram(new URL('saving-victim.ts', import.meta.url), workspace.path);
  const parents = [workspace.path, workspace.newInMemoryFolder() ?? workspace.path];
  return (number) =>
    Promise.resolve(
      new SavingTrial({
        parent: parents[number % parents.length]!,
        windowMs: SAVING_WINDOW_MS,
        start: () => new VictimProcess(program, [], workspace),
        tally,
        workspace,
      }),
    );
}

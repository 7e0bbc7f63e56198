import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
import { Budget, runTrial, type Trial } from './kill-loop.js';
import { KILL_ROWS, type KillRow } from './kill-rows.js';
import { SavingTrial } from './saving-trial.js';
import type { SavingOrder, SavingReport } from './saving-victim.js';
import { TrainingTrial } from './training-trial.js';
import type { TrainingOrder, TrainingReport } from './training-victim.js';
import { VictimProcess } from './victim-process.js';

/** How many folders are worked in at a time. */
const LOOPS = 2;
/** By the number of the plan: resuming and a few saves fit into it. */
const TRAINING_WINDOWS_MS = [500, 500, 1500, 3000];
const SAVING_WINDOW_MS = 400;
const KILLS_PER_SELF_KILL = 2;
/** A training makes them within a few saves. */
const MAX_CHANGES = 40;
/** Where nothing waits for a disk, a save is short and each of its steps takes about as long as any other. */
const MEMORY_FOLDER = '/dev/shm';

interface Context {
  readonly tally: Tally<KillRow>;
  readonly workspace: Workspace;
}
type NewTrial<Order extends object, Report extends object> = (
  number: number,
) => Promise<Trial<Order, Report>>;

/** Kills trainings, and then loops that only save, and judges what they leave behind. */
export async function runKills(flags: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('kill', KILL_ROWS);
  const context = { tally, workspace };
  await watchWarnings(async (warnings) => {
    const { kills, seed } = flags;
    await runLoops('trainings killed', kills, await trainings(context, null), flags, context);
    const selfKills = Math.ceil(kills / KILLS_PER_SELF_KILL);
    const random = seedrandom(`${seed} changes`);
    const dieAtChange = () => 1 + Math.floor(random() * MAX_CHANGES);
    await runLoops(
      'trainings killed in a save',
      selfKills,
      await trainings(context, dieAtChange),
      flags,
      context,
    );
    await runLoops('loops of saves killed', kills, await savings(context), flags, context);
    for (const warning of warnings) tally.lose('damaged', `while what was found was loaded: ${warning}`);
  });
  return tally.result();
}

async function runLoops<Order extends object, Report extends object>(
  name: string,
  kills: number,
  newTrial: NewTrial<Order, Report>,
  { seed }: Flags,
  { tally, workspace }: Context,
): Promise<void> {
  const progress = new Progress(name, kills, () => tally.losses);
  const budget = new Budget(kills, (left) => {
    progress.show(kills - left);
  });
  const run = async (loop: number): Promise<void> => {
    const random = seedrandom(`${seed} ${name} ${loop}`);
    for (let number = loop; budget.left > 0; number += LOOPS) {
      await runTrial(await newTrial(number), budget, random, workspace);
    }
  };
  try {
    await Promise.all(Array.from({ length: LOOPS }, (_, loop) => run(loop)));
  } finally {
    progress.stop();
  }
}

/** @param dieAtChange null: they are killed at any moment, from here. */
async function trainings(
  { tally, workspace }: Context,
  dieAtChange: (() => number) | null,
): Promise<NewTrial<TrainingOrder, TrainingReport>> {
  const program = await compileProgram(new URL('training-victim.ts', import.meta.url), workspace.path);
  const models = new Map<string, LayersModel>();
  return async (number) => {
    // In another order in each round, so that each loop comes to each plan.
    const index = (number + Math.floor(number / KILL_PLANS.length)) % KILL_PLANS.length;
    const plan = KILL_PLANS[index]!;
    // Each loop loads into models of its own.
    const key = `${index} ${number % LOOPS}`;
    const model = models.get(key) ?? makeModel(plan);
    models.set(key, model);
    return new TrainingTrial({
      windowMs: dieAtChange === null ? TRAINING_WINDOWS_MS[index]! : null,
      dieAtChange: dieAtChange ?? (() => null),
      start: () => new VictimProcess(program, [String(index)], workspace),
      reference: await referenceOf(plan),
      model,
      tally,
      workspace,
    });
  };
}

async function savings({ tally, workspace }: Context): Promise<NewTrial<SavingOrder, SavingReport>> {
  const program = await compileProgram(new URL('saving-victim.ts', import.meta.url), workspace.path);
  const parents = [workspace.path, folderInMemory(workspace) ?? workspace.path];
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

function folderInMemory(workspace: Workspace): string | null {
  if (!existsSync(MEMORY_FOLDER)) return null;
  const folder = mkdtempSync(join(MEMORY_FOLDER, 'entropy-checkpoint-torture-'));
  workspace.atEnd(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

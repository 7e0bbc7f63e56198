import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import type { Flags } from '../flags.js';
import { Progress } from '../progress.js';
import { Tally, type PartResult } from '../tally.js';
import { DAMAGE_PLANS } from '../training/plans.js';
import { disposeModel, makeModel } from '../training/train.js';
import type { Workspace } from '../workspace.js';
import { DAMAGE_ROWS, type DamageRow } from './damage-rows.js';
import { fileDamages, flippedBits, type FileDamage } from './file-damage.js';
import { judgeLoads, type DamagedFolder } from './judge-loads.js';
import { RESTARTS, judgeRepair, type Restart } from './judge-repair.js';
import { storeTraining, type StoredTraining } from './stored-training.js';

const REGIONS = 200;
const QUICK_REGIONS = 3;
/** A training continues after one in this many of the damages that are not special. */
const REPAIR_EVERY = 20;

type DamagedFile = Pick<DamagedFolder, 'file' | 'damage' | 'slot'>;

/** Damages each file of a stored training, region by region, loads it, and continues training. */
export async function runDamage({ quick, seed }: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('damage', DAMAGE_ROWS);
  const random = seedrandom(`${seed} damages`);
  const regions = quick ? QUICK_REGIONS : REGIONS;
  const small = await storeTraining(DAMAGE_PLANS.small, workspace.newPath('stored'));
  const damages = damagedFiles(small, [...small.files.keys()], (file, bytes) =>
    fileDamages(bytes, regions, otherWeights(small, file), random),
  );
  await tryAll(small, damages, tally, workspace);
  if (quick) return tally.result();
  const large = await storeTraining(DAMAGE_PLANS.large, workspace.newPath('stored'));
  const weightsOfBest = large.filesOfSlot.get('best')!.slice(1);
  const flips = damagedFiles(large, weightsOfBest, (_file, bytes) => flippedBits(bytes, regions, random));
  await tryAll(large, flips, tally, workspace);
  return tally.result();
}

async function tryAll(
  stored: StoredTraining,
  damages: readonly DamagedFile[],
  tally: Tally<DamageRow>,
  workspace: Workspace,
): Promise<void> {
  const model = makeModel(stored.plan);
  const progress = new Progress(`damaged files, ${stored.plan.name}`, damages.length, () => tally.losses);
  try {
    for (const [i, damagedFile] of damages.entries()) {
      await tryOne(stored, damagedFile, restartsAfter(damagedFile.damage, i), model, tally, workspace);
      progress.step();
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
}

async function tryOne(
  stored: StoredTraining,
  damagedFile: DamagedFile,
  restarts: readonly Restart[],
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
  workspace: Workspace,
): Promise<void> {
  const damagedIn = (folder: string): DamagedFolder => ({ stored, folder, ...damagedFile });
  const folder = workspace.newPath('damaged');
  createDamaged(damagedIn(folder));
  const lossesBefore = tally.losses;
  await judgeLoads(damagedIn(folder), model, tally);
  for (const restart of restarts) {
    const copy = workspace.newPath('damaged');
    createDamaged(damagedIn(copy));
    await judgeRepair(damagedIn(copy), restart, model, tally);
    rmSync(copy, { recursive: true });
  }
  if (tally.losses > lossesBefore) tally.addNote(workspace.keep(folder));
  rmSync(folder, { recursive: true });
}

function restartsAfter({ isSpecial }: FileDamage, index: number): readonly Restart[] {
  if (isSpecial === true) return RESTARTS;
  if (index % REPAIR_EVERY > 0) return [];
  return [RESTARTS[(index / REPAIR_EVERY) % RESTARTS.length]!];
}

/** Every damage of each file. The slots that need the file take turns. */
function damagedFiles(
  { files, filesOfSlot }: StoredTraining,
  names: readonly string[],
  damagesOfFile: (file: string, bytes: Buffer) => readonly FileDamage[],
): DamagedFile[] {
  return names.flatMap((file) => {
    const slots = [...filesOfSlot].filter(([, needed]) => needed.includes(file)).map(([slot]) => slot);
    return damagesOfFile(file, files.get(file)!).map((damage, i) => {
      return { file, damage, slot: slots[i % slots.length]! };
    });
  });
}

/** The content of another weight file of the same size. */
function otherWeights({ files }: StoredTraining, file: string): Buffer | null {
  if (!file.endsWith('.bin')) return null;
  const sizeBytes = files.get(file)!.length;
  const others = [...files].filter(([name, { length }]) => name !== file && length === sizeBytes);
  return others.find(([name]) => name.endsWith('.bin'))?.[1] ?? null;
}

/** Creates the damaged folder. Its other files are hard links, because nothing writes to them. */
function createDamaged({ stored, folder, file, damage }: DamagedFolder): void {
  mkdirSync(folder);
  for (const [name, bytes] of stored.files) {
    if (name !== file) {
      linkSync(join(stored.folder, name), join(folder, name));
      continue;
    }
    const damaged = damage.apply(bytes);
    if (damaged !== null) writeFileSync(join(folder, name), damaged);
  }
}

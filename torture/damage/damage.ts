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
import { damagesOf, flippedBits, type Damage } from './damages.js';
import { judgeLoads, type Damaged } from './judge-loads.js';
import { BEGINNINGS, judgeMending, type Beginning } from './judge-mending.js';
import { storeTraining, type StoredTraining } from './stored-training.js';

const REGIONS = 200;
const QUICK_REGIONS = 3;
/** Of as many damages that are not special a training goes on from one. */
const MENDED_EACH = 20;

type DamagedFile = Pick<Damaged, 'file' | 'damage' | 'slot'>;

/** Damages each file of a stored training, region by region; loads it, and trains on. */
export async function runDamages({ quick, seed }: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('damage', DAMAGE_ROWS);
  const random = seedrandom(`${seed} damages`);
  const regions = quick ? QUICK_REGIONS : REGIONS;
  const small = await storeTraining(DAMAGE_PLANS.small, workspace.newPath('stored'));
  const damages = damagedFiles(small, [...small.files.keys()], (file, bytes) =>
    damagesOf(bytes, regions, otherWeights(small, file), random),
  );
  await tryDamages(small, damages, tally, workspace);
  if (quick) return tally.result();
  const large = await storeTraining(DAMAGE_PLANS.large, workspace.newPath('stored'));
  const weightsOfBest = large.filesOfSlot.get('best')!.slice(1);
  const flips = damagedFiles(large, weightsOfBest, (_file, bytes) => flippedBits(bytes, regions, random));
  await tryDamages(large, flips, tally, workspace);
  return tally.result();
}

async function tryDamages(
  stored: StoredTraining,
  damages: readonly DamagedFile[],
  tally: Tally<DamageRow>,
  workspace: Workspace,
): Promise<void> {
  const model = makeModel(stored.plan);
  const progress = new Progress(`damages, ${stored.plan.name}`, damages.length, () => tally.losses);
  try {
    for (const [i, damagedFile] of damages.entries()) {
      await tryDamage(stored, damagedFile, beginningsAfter(damagedFile.damage, i), model, tally, workspace);
      progress.step();
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
}

async function tryDamage(
  stored: StoredTraining,
  damagedFile: DamagedFile,
  beginnings: readonly Beginning[],
  model: tf.LayersModel,
  tally: Tally<DamageRow>,
  workspace: Workspace,
): Promise<void> {
  const damagedIn = (folder: string): Damaged => ({ stored, folder, ...damagedFile });
  const folder = workspace.newPath('damaged');
  writeDamaged(damagedIn(folder));
  const lossesBefore = tally.losses;
  await judgeLoads(damagedIn(folder), model, tally);
  for (const beginning of beginnings) {
    const copy = workspace.newPath('damaged');
    writeDamaged(damagedIn(copy));
    await judgeMending(damagedIn(copy), beginning, model, tally);
    rmSync(copy, { recursive: true });
  }
  if (tally.losses > lossesBefore) tally.note(workspace.keep(folder));
  rmSync(folder, { recursive: true });
}

function beginningsAfter({ isSpecial }: Damage, number: number): readonly Beginning[] {
  if (isSpecial === true) return BEGINNINGS;
  if (number % MENDED_EACH > 0) return [];
  return [BEGINNINGS[(number / MENDED_EACH) % BEGINNINGS.length]!];
}

/** The damages of each file, with the slots that need it in turn. */
function damagedFiles(
  { files, filesOfSlot }: StoredTraining,
  names: readonly string[],
  damagesOfFile: (file: string, bytes: Buffer) => readonly Damage[],
): DamagedFile[] {
  return names.flatMap((file) => {
    const slots = [...filesOfSlot].filter(([, needed]) => needed.includes(file)).map(([slot]) => slot);
    return damagesOfFile(file, files.get(file)!).map((damage, i) => {
      return { file, damage, slot: slots[i % slots.length]! };
    });
  });
}

/** Another file of weights, of the same size. */
function otherWeights({ files }: StoredTraining, file: string): Buffer | null {
  if (!file.endsWith('.bin')) return null;
  const sizeBytes = files.get(file)!.length;
  const others = [...files].filter(([name, { length }]) => name !== file && length === sizeBytes);
  return others.find(([name]) => name.endsWith('.bin'))?.[1] ?? null;
}

/** The other files are links, as nothing is written to them. */
function writeDamaged({ stored, folder, file, damage }: Damaged): void {
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

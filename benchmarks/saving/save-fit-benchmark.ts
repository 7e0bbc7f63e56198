import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openBackend } from '../../backends/open-backend.js';
import type { SaveFitSample, SaveFitSize } from '../inside/saving/save-fit.js';
import { BACKENDS } from '../names.js';
import { measureRounds, valuesOf, type Round } from '../rounds.js';
import { estimate, halfWidth, median, type Estimate } from '../statistics.js';
import { SAVE_CONTENDERS, type SaveContenderName, type SavingBackend } from './names.js';
import type { SaveFitResult } from './results.js';
import { SAVING_ENTRY, withTemporaryFolder } from './environment.js';

export interface SaveFitPlan {
  /** How long an epoch should take; null: as short as possible, without warm-up. */
  readonly epochMs: number | null;
  readonly epochs: number;
  readonly minRounds: number;
  readonly maxRounds: number;
  readonly budgetMs: number;
}

type SaveFitRound = Round<SaveContenderName, SaveFitSample>;

const WANTED_HALF_WIDTH = 0.005;

/** Measures in a new process. @param onOpen is called with the backend's description. */
export async function benchmarkSaveFit(
  backend: SavingBackend,
  { epochMs, epochs, ...limits }: SaveFitPlan,
  parent: string,
  onOpen: (description: string) => void,
): Promise<SaveFitResult> {
  return withTemporaryFolder(parent, async (folder) => {
    const open = await openBackend(BACKENDS[backend], SAVING_ENTRY);
    try {
      onOpen(open.description);
      const size = await open.call<SaveFitSize>('prepareSaveFit', epochMs, epochs);
      const measure = (name: SaveContenderName, numEpochs = epochs): Promise<SaveFitSample> =>
        open.call('measureSaveFit', name, join(folder, name), numEpochs);
      const turns = SAVE_CONTENDERS.map((name) => ({ name, every: 1 }));
      // The first run compiles, and creates the folders. One epoch is enough.
      if (epochMs !== null) for (const name of SAVE_CONTENDERS) await measure(name, 1);
      const rounds = await measureRounds({ turns, measure, isSettled, ...limits });
      return { backend, size, ...summariseSaveFits(rounds, epochs), rounds };
    } finally {
      await open.close();
    }
  });
}

function isSettled(rounds: readonly SaveFitRound[]): boolean {
  const random = seedrandom.alea('settled');
  return (['stored', 'control', 'model-save'] as const).every(
    (name) => halfWidth(estimate(saveRatiosOf(rounds, name), random, 1000)) < WANTED_HALF_WIDTH,
  );
}

export function summariseSaveFits(
  rounds: readonly SaveFitRound[],
  epochs: number,
): Pick<SaveFitResult, 'bareMs' | 'ratios' | 'added'> {
  const random = seedrandom.alea('bootstrap');
  const ratios: Partial<Record<SaveContenderName, Estimate>> = {};
  for (const name of SAVE_CONTENDERS) {
    const values = saveRatiosOf(rounds, name);
    if (name !== 'bare' && values.length > 0) ratios[name] = estimate(values, random);
  }
  return {
    bareMs: median(valuesOf(rounds, ['bare'], ({ timeMs }) => timeMs)),
    ratios,
    added: addedBySaving(rounds, epochs),
  };
}

function addedBySaving(rounds: readonly SaveFitRound[], epochs: number): SaveFitResult['added'] {
  const random = seedrandom.alea('bootstrap');
  const added = (name: SaveContenderName, baseline: readonly ['bare', 'control'] | readonly ['not-stored']) =>
    valuesOf(rounds, [name, ...baseline], (sample, ...others) => {
      const othersMs = others.reduce((sum, { outsideMs }) => sum + outsideMs, 0) / others.length;
      return (sample.outsideMs - othersMs) / epochs;
    });
  const notStored = added('not-stored', ['bare', 'control']);
  const stored = added('stored', ['not-stored']);
  const modelSave = added('model-save', ['bare', 'control']);
  if ([notStored, stored, modelSave].some((values) => values.length === 0)) return null;
  return {
    notStored: estimate(notStored, random),
    stored: estimate(stored, random),
    modelSave: estimate(modelSave, random),
  };
}

/** Time over the mean of both bare fits of the same round. The control is compared with the other bare `fit`. */
function saveRatiosOf(rounds: readonly SaveFitRound[], name: SaveContenderName): number[] {
  if (name === 'control') {
    return valuesOf(rounds, ['control', 'bare'], (control, bare) => control.timeMs / bare.timeMs);
  }
  return valuesOf(
    rounds,
    [name, 'bare', 'control'],
    (saving, bare, control) => saving.timeMs / ((bare.timeMs + control.timeMs) / 2),
  );
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openBackend, type OpenBackend } from '../backends/open-backend.js';
import type { BackendName } from '../backends/backend-target.js';
import type { FitSize } from './inside/fit.js';
import type { SampleCount } from './inside/own-share.js';
import { BACKENDS, type BackendLabel, type ContenderName, type WorkloadName } from './names.js';
import type { FitOutcome, FitResult } from './results.js';
import { measureRounds, valuesOf, type Round, type Turn } from './rounds.js';
import { estimate, halfWidth, median, type Estimate } from './statistics.js';

export interface FitPlan {
  /** How long a bare `fit` should take; null: as short as possible, without warm-up. */
  readonly targetMs: number | null;
  readonly minRounds: number;
  readonly maxRounds: number;
  readonly budgetMs: number;
  /** null: the CPU is not profiled. */
  readonly profile: ProfilePlan | null;
}

export interface ProfilePlan {
  /** How long a bare `fit` should take; null: as short as possible. */
  readonly targetMs: number | null;
  /** How often each contender is profiled. */
  readonly rounds: number;
}

type FitRound = Round<ContenderName, number>;

export const ENTRY = new URL('inside/measure.ts', import.meta.url);
const NODE_ENTRY = new URL('inside/measure-in-node.ts', import.meta.url);
/** The interval of every ratio should reach this half-width. */
export const WANTED_HALF_WIDTH = 0.01;
const MIN_EVERY = 5;
/** Contenders that may differ by hundredths only. They run in every round. */
const PRECISE: readonly ContenderName[] = [
  'bare',
  'callback',
  'consensus',
  'label_wave',
  'averaged',
  'control',
];

/** Those whose CPU time is attributed. */
export const PROFILED = ['callback', 'consensus', 'label_wave', 'averaged'] as const;
/** Elsewhere, the device computes while the CPU does something else. */
const SYNCHRONOUS: readonly BackendName[] = ['cpu', 'wasm', 'tensorflow'];

/** Measures one workload in a new process or page. @param onOpen is called with the backend's description. */
export async function benchmarkFit(
  backend: BackendLabel,
  workload: WorkloadName,
  plan: FitPlan,
  onOpen: (description: string) => void,
): Promise<FitResult> {
  const { runtime } = BACKENDS[backend];
  const open = await openBackend(BACKENDS[backend], runtime === 'node' ? NODE_ENTRY : ENTRY);
  const folder = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-bench-'));
  try {
    onOpen(open.description);
    const outcome = await measureWorkload(open, workload, plan, {
      contenders: contendersOf(backend, workload),
      folder: join(folder, 'checkpoint'),
    });
    const isAttributed = plan.profile !== null && isProfiled(backend);
    const attributed = isAttributed ? await attribute(open, workload, plan.profile) : null;
    return { backend, workload, outcome: { ...outcome, attributed } };
  } catch (error) {
    const reason = missingKernel(error);
    if (reason === null) throw error;
    return { backend, workload, outcome: { reason } };
  } finally {
    await open.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether a profile of the CPU shows what the callback costs. */
export function isProfiled(backend: BackendLabel): boolean {
  return SYNCHRONOUS.includes(BACKENDS[backend].backend);
}

/** Storing in a folder is measured once, on a backend with a file system. */
function contendersOf(backend: BackendLabel, workload: WorkloadName): ContenderName[] {
  const contenders: ContenderName[] = [...PRECISE, 'predict-again', 'keep-outputs'];
  return backend === 'wasm' && workload === 'dense' ? [...contenders, 'stored'] : contenders;
}

async function measureWorkload(
  open: OpenBackend,
  workload: WorkloadName,
  { targetMs, profile: _, ...limits }: FitPlan,
  { contenders, folder }: { readonly contenders: readonly ContenderName[]; readonly folder: string },
): Promise<Omit<FitOutcome, 'attributed'>> {
  const size = await open.call<FitSize>('prepareFit', workload, targetMs);
  if (limits.maxRounds === 0) return { size, ...summarise([], []), rounds: [] };
  const measure = (name: ContenderName): Promise<number> => open.call<number>('measureFit', name, folder);
  const warmUp: Partial<Record<ContenderName, number>> = {};
  if (targetMs !== null) for (const name of contenders) warmUp[name] = await measure(name);
  const turns = turnsFor(contenders, warmUp);
  const rounds = await measureRounds({ turns, measure, isSettled, ...limits });
  return { size, ...summarise(rounds, contenders), rounds };
}

/** What each contender costs by the share of CPU time in which this package is at work. */
async function attribute(
  open: OpenBackend,
  workload: WorkloadName,
  { targetMs, rounds: count }: ProfilePlan,
): Promise<FitOutcome['attributed']> {
  await open.call<FitSize>('prepareFit', workload, targetMs);
  const rounds = await measureRounds({
    turns: PROFILED.map((name) => ({ name, every: 1 })),
    measure: (name) => open.call<SampleCount>('profileFit', name, null),
    isSettled: () => false,
    minRounds: count,
    maxRounds: count,
    budgetMs: 0,
  });
  const random = seedrandom.alea('bootstrap');
  const estimates = PROFILED.map((name) => [name, estimate(attributedRatios(rounds, name), random)] as const);
  return Object.fromEntries(estimates);
}

/**
 * CPU time over that without the samples of this package. That of the average of the weights is over that of the same
 * callback without it.
 */
export function attributedRatios(
  rounds: readonly Round<(typeof PROFILED)[number], SampleCount>[],
  name: (typeof PROFILED)[number],
): number[] {
  const ratioOf = ({ own, total }: SampleCount): number => total / (total - own);
  if (name !== 'averaged') return valuesOf(rounds, [name], ratioOf);
  return valuesOf(rounds, ['averaged', 'callback'], (one, other) => ratioOf(one) / ratioOf(other));
}

/** A slow contender runs so rarely that it costs about a quarter of a bare `fit` in each round. */
export function turnsFor(contenders: readonly ContenderName[], warmUp: FitRound): Turn<ContenderName>[] {
  const bareMs = warmUp.bare ?? 1;
  return contenders.map((name) => {
    if (PRECISE.includes(name)) return { name, every: 1 };
    const slowness = (warmUp[name] ?? 0) / bareMs;
    return { name, every: Math.max(MIN_EVERY, Math.round(4 * slowness)) };
  });
}

function isSettled(rounds: readonly FitRound[]): boolean {
  const random = seedrandom.alea('settled');
  return (['callback', 'control'] as const).every(
    (name) => halfWidth(estimate(ratiosOf(rounds, name), random, 1000)) < WANTED_HALF_WIDTH,
  );
}

export function summarise(
  rounds: readonly FitRound[],
  contenders: readonly ContenderName[],
): Pick<FitOutcome, 'bareMs' | 'ratios' | 'isSettled'> {
  const random = seedrandom.alea('bootstrap');
  const ratios: Partial<Record<ContenderName, Estimate>> = {};
  for (const name of contenders) {
    const values = ratiosOf(rounds, name);
    if (name !== 'bare' && values.length > 0) ratios[name] = estimate(values, random);
  }
  const isNarrow = (ratio?: Estimate): boolean => ratio !== undefined && halfWidth(ratio) < WANTED_HALF_WIDTH;
  return {
    bareMs: median(valuesOf(rounds, ['bare'], (bare) => bare)),
    ratios,
    isSettled: isNarrow(ratios.callback) && isNarrow(ratios.control),
  };
}

/**
 * Time over the mean of both bare fits of the same round. The control is compared with the other bare `fit`, and the
 * average of the weights with the same callback without it.
 */
export function ratiosOf(rounds: readonly FitRound[], name: ContenderName): number[] {
  if (name === 'control') return valuesOf(rounds, ['control', 'bare'], (control, bare) => control / bare);
  if (name === 'averaged')
    return valuesOf(rounds, ['averaged', 'callback'], (averaged, callback) => averaged / callback);
  return valuesOf(
    rounds,
    [name, 'bare', 'control'],
    (timeMs, bare, control) => timeMs / ((bare + control) / 2),
  );
}

/** The reason, if the error says that a backend has no kernel for a gradient; null for any other error. */
function missingKernel(error: unknown): string | null {
  const message = error instanceof Error ? error.message : '';
  const [, kernel, backend] = /Kernel '(\w+)' not registered for backend '(\w+)'/.exec(message) ?? [];
  return kernel === undefined ? null : `${backend} has no gradient for it (kernel ${kernel})`;
}

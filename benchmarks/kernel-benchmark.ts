import seedrandom from 'seedrandom';
import { openBackend, type OpenBackend } from '../backends/open-backend.js';
import { ENTRY } from './fit-benchmark.js';
import type { KernelSample } from './inside/kernel.js';
import { BACKENDS, type BackendLabel } from './names.js';
import type { KernelResult, KernelVariant } from './results.js';
import { measureRounds, valuesOf } from './rounds.js';
import { estimate, median } from './statistics.js';

export interface KernelPlan {
  readonly sizes: readonly (readonly [rows: number, numClasses: number])[];
  readonly minRounds: number;
  readonly maxRounds: number;
  /** Limit for one size. */
  readonly budgetMs: number;
}

export const SIZES: KernelPlan['sizes'] = [
  [128, 10],
  [128, 1000],
  [1024, 1000],
  [1024, 32000],
];

const VARIANTS: readonly KernelVariant[] = ['fused', 'composed'];
/** One measurement lasts about this long, so that neither the clock nor latency matters. */
const SAMPLE_MS = 50;
const MAX_REPETITIONS = 400;

/** Measures all sizes, from logits and from probabilities, in one process. */
export async function benchmarkKernels(
  backend: BackendLabel,
  plan: KernelPlan,
  onOpen: (description: string) => void,
  onResult: (result: KernelResult) => void,
): Promise<void> {
  const open = await openBackend(BACKENDS[backend], ENTRY);
  try {
    onOpen(open.description);
    for (const [rows, numClasses] of plan.sizes) {
      for (const fromLogits of [true, false]) {
        await open.call('prepareKernel', rows, numClasses, fromLogits);
        onResult({ backend, rows, numClasses, fromLogits, ...(await measureVariants(open, plan)) });
      }
    }
  } finally {
    await open.close();
  }
}

type Measured = Pick<KernelResult, 'fused' | 'composed' | 'ratio' | 'rounds'>;

async function measureVariants(open: OpenBackend, limits: KernelPlan): Promise<Measured> {
  const measure = (variant: KernelVariant, repetitions: number): Promise<KernelSample> =>
    open.call('measureKernel', variant, repetitions);
  const repetitions = {
    fused: await repetitionsOf((count) => measure('fused', count)),
    composed: await repetitionsOf((count) => measure('composed', count)),
  };
  const rounds = await measureRounds({
    turns: VARIANTS.map((name) => ({ name, every: 1 })),
    measure: (variant) => measure(variant, repetitions[variant]),
    isSettled: () => false,
    ...limits,
  });
  const medianOf = (variant: KernelVariant): KernelSample => ({
    timeMs: median(valuesOf(rounds, [variant], ({ timeMs }) => timeMs)),
    enqueueMs: median(valuesOf(rounds, [variant], ({ enqueueMs }) => enqueueMs)),
  });
  const ratios = valuesOf(rounds, ['composed', 'fused'], (composed, fused) => composed.timeMs / fused.timeMs);
  return {
    fused: medianOf('fused'),
    composed: medianOf('composed'),
    ratio: estimate(ratios, seedrandom.alea('bootstrap')),
    rounds,
  };
}

/** How many calls a measurement needs. This also warms up: the first call compiles. */
async function repetitionsOf(measure: (repetitions: number) => Promise<KernelSample>): Promise<number> {
  const first = await measure(1);
  // Beside a call that takes a second, the time to compile does not matter.
  if (first.timeMs > 1000) return 1;
  const { timeMs } = await measure(5);
  return Math.min(MAX_REPETITIONS, Math.max(1, Math.ceil(SAMPLE_MS / timeMs)));
}

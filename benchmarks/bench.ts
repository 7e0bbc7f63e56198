/**
 * Measures what the callback costs on every backend: the time of `fit`, kernels, saving and large models, and memory.
 * `npm run bench -- --help` lists the flags. README.md beside this file describes the method.
 */
import { writeFileSync } from 'node:fs';
import { benchmarkFit, isProfiled, type FitPlan } from './fit-benchmark.js';
import { parseFlags, type Flags } from './flags.js';
import { benchmarkKernels, SIZES, type KernelPlan } from './kernel-benchmark.js';
import { describeMachine } from './machine.js';
import { requireMarks, writeBetweenMarks } from './markdown-file.js';
import { benchmarkMemory, MEMORY_PLAN, type MemoryPlan } from './memory-benchmark.js';
import type { BackendLabel, Part } from './names.js';
import { markdownReport, textReport } from './report.js';
import type { FitResult, KernelResult, MemoryResult, Results } from './results.js';
import {
  benchmarkSaving,
  QUICK_SAVING_PLAN,
  savingPlan,
  type SaveResults,
  type SavingPlan,
} from './saving/benchmark-saving.js';
import { benchmarkLargeModel } from './saving/large-model-benchmark.js';
import { benchmarkLongTraining } from './saving/long-training-benchmark.js';
import type { LargeModelResult, LongTrainingResult } from './saving/results.js';

interface Plan {
  readonly fit: FitPlan;
  readonly kernel: KernelPlan;
  readonly memory: MemoryPlan;
  readonly saving: SavingPlan;
}

function planOf(flags: Flags): Plan {
  const plan = sizedPlan(flags);
  const { fit } = plan;
  const isIncluded = (part: Part): boolean => flags.only.includes(part);
  const timed = isIncluded('fit') ? fit : { ...fit, minRounds: 0, maxRounds: 0 };
  return { ...plan, fit: isIncluded('profile') ? timed : { ...timed, profile: null } };
}

function sizedPlan({ quick, budget }: Flags): Plan {
  if (quick) {
    return {
      fit: {
        targetMs: null,
        minRounds: 1,
        maxRounds: 1,
        budgetMs: 0,
        profile: { targetMs: null, rounds: 2 },
      },
      kernel: { sizes: SIZES.slice(0, 2), minRounds: 2, maxRounds: 2, budgetMs: 0 },
      memory: { rows: MEMORY_PLAN.rows.slice(0, 2), numClasses: MEMORY_PLAN.numClasses.slice(0, 1), runs: 1 },
      saving: QUICK_SAVING_PLAN,
    };
  }
  return {
    fit: {
      targetMs: 300,
      minRounds: 20,
      maxRounds: 400,
      budgetMs: budget * 1000,
      profile: { targetMs: 2000, rounds: 9 },
    },
    kernel: { sizes: SIZES, minRounds: 3, maxRounds: 31, budgetMs: 5000 },
    memory: MEMORY_PLAN,
    saving: savingPlan(budget),
  };
}

/** Whether the backend is opened for the sake of the profile alone. */
function isProfiledOnly({ only }: Flags, backend: BackendLabel): boolean {
  return only.includes('profile') && isProfiled(backend);
}

class Benchmark {
  readonly #flags: Flags;
  readonly #plan: Plan;
  readonly #backends: Partial<Record<BackendLabel, string>> = {};
  readonly #fits: FitResult[] = [];
  readonly #kernels: KernelResult[] = [];
  readonly #memory: MemoryResult[] = [];
  #saves: SaveResults = { fits: [], pauses: [] };
  readonly #long: LongTrainingResult[] = [];
  readonly #large: LargeModelResult[] = [];
  readonly #failures: string[] = [];

  constructor(flags: Flags) {
    this.#flags = flags;
    this.#plan = planOf(flags);
  }

  /** Runs one backend after another: two at once would slow each other down. */
  async run(): Promise<void> {
    for (const backend of this.#flags.backends) {
      const onOpen = (description: string): void => void (this.#backends[backend] = description);
      if (this.#flags.only.includes('fit') || isProfiledOnly(this.#flags, backend)) {
        await this.#runFits(backend, onOpen);
      }
      if (this.#flags.only.includes('kernel')) {
        await this.#attempt(`kernels on ${backend}`, () =>
          benchmarkKernels(backend, this.#plan.kernel, onOpen, (result) => this.#kernels.push(result)),
        );
      }
    }
    if (this.#flags.only.includes('memory')) {
      await this.#attempt('memory', () =>
        benchmarkMemory(this.#plan.memory, (result) => this.#memory.push(result)),
      );
    }
    if (this.#flags.only.includes('save')) await this.#runSaves();
    if (this.#flags.only.includes('long')) {
      await this.#attempt('a long training', async () => {
        this.#long.push(...(await benchmarkLongTraining(this.#plan.saving.long, this.#flags.folder)));
      });
    }
    if (this.#flags.only.includes('large')) {
      await this.#attempt('a large model', async () => {
        this.#large.push(await benchmarkLargeModel(this.#plan.saving.large, this.#flags.folder));
      });
    }
  }

  results(command: string): Results {
    return {
      command,
      isQuick: this.#flags.quick,
      finishedAt: new Date().toISOString(),
      machine: describeMachine(),
      backends: this.#backends,
      fits: this.#fits,
      kernels: this.#kernels,
      memory: this.#memory,
      saving: { ...this.#saves, long: this.#long, large: this.#large },
      failures: this.#failures,
    };
  }

  async #runFits(backend: BackendLabel, onOpen: (description: string) => void): Promise<void> {
    for (const workload of this.#flags.workloads) {
      await this.#attempt(`${workload} on ${backend}`, async () => {
        this.#fits.push(await benchmarkFit(backend, workload, this.#plan.fit, onOpen));
      });
    }
  }

  async #runSaves(): Promise<void> {
    const { backends, folder } = this.#flags;
    this.#saves = await benchmarkSaving(this.#plan.saving, {
      backends,
      folder,
      onOpen: (backend, description) => void (this.#backends[backend] = description),
      attempt: (name, measure) => this.#attempt(name, measure),
    });
  }

  /** Reports a failure at the end, so that the rest is measured. */
  async #attempt(name: string, measure: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    try {
      await measure();
      console.error(`${name}: ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
    } catch (error) {
      this.#failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      console.error(`${name}: failed`);
    }
  }
}

const args = process.argv.slice(2);
const flags = parseFlags(args);
if (flags.markdown !== undefined) requireMarks(flags.markdown);
const benchmark = new Benchmark(flags);
await benchmark.run();
const results = benchmark.results(['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '));
console.log(textReport(results));
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results)}\n`);
if (flags.markdown !== undefined) writeBetweenMarks(flags.markdown, markdownReport(results));
if (results.failures.length > 0) process.exitCode = 1;

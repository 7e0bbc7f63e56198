import { EntropyCheckpointError, listCheckpoints } from 'tfjs-entropy-checkpoint';
import { differenceOf } from './queue/difference.js';
import { JobPostponed, JobRefused, JobStopped, type RunningJob } from './queue/job-worker.js';
import { CODE_VERSION, type TrainingSettings } from './settings.js';
import type { SweepStore } from './sweep-store.js';
import { textOf, type TrainingResult } from './training-result.js';
import { train } from './training.js';

/** What a worker tells about a job, for those who watch it. */
export type TrainingEvent =
  /** It begins, or resumes after so many epochs. */
  | { readonly began: string; readonly initialEpoch: number }
  /** An epoch of it has ended. */
  | { readonly trained: string; readonly epoch: number }
  /** This worker has stored its result. */
  | { readonly stored: string };

export interface RunOptions {
  readonly store: SweepStore;
  readonly leaseSeconds: number;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/**
 * Does a job of the queue: trains from where the checkpoint ends, and stores the result.
 *
 * The result in the store is what counts. The queue may forget a job, or give it to two workers; the store takes one
 * result of a training and keeps it. So a job whose result is there is done.
 *
 * @throws JobPostponed while another worker holds the checkpoint; JobStopped; JobRefused.
 */
export async function runTraining(
  { id, data: settings, signal }: RunningJob<TrainingSettings>,
  { store, leaseSeconds, onEvent = () => undefined }: RunOptions,
): Promise<void> {
  // Otherwise it would compute something else.
  requireSame({ ...settings, code: CODE_VERSION }, settings, 'This worker');
  if ((await readResult(store, settings, id)) !== null) return;
  const filepath = store.checkpointsOf(id);
  try {
    await requireSameCheckpoint(filepath, settings, store);
    const onBegin = (initialEpoch: number): void => {
      onEvent({ began: id, initialEpoch });
    };
    const onEpoch = (epoch: number): void => {
      onEvent({ trained: id, epoch });
    };
    const result = await train(settings, { filepath, signal, onBegin, onEpoch });
    if (result === null) throw new JobStopped();
    await storeResult(store, result);
    onEvent({ stored: id });
  } catch (error) {
    if (!(error instanceof EntropyCheckpointError) || error.code !== 'ENTROPY_STORE_IN_USE') throw error;
    // A worker that died has the lease for a while. One that was only slow ends by itself.
    throw new JobPostponed(error.message, (leaseSeconds * 1000) / 4);
  }
}

/**
 * @returns null as long as there's none.
 * @throws JobRefused if it's of other settings.
 */
export async function readResult(
  store: SweepStore,
  settings: TrainingSettings,
  id: string,
): Promise<TrainingResult | null> {
  const text = await store.readResult(id);
  if (text === null) return null;
  const result = JSON.parse(text) as TrainingResult;
  requireSame(result.settings, settings, `The result of ${id} in ${store.name}`);
  return result;
}

async function requireSameCheckpoint(
  filepath: ReturnType<SweepStore['checkpointsOf']>,
  settings: TrainingSettings,
  store: SweepStore,
): Promise<void> {
  const stored = await listCheckpoints(filepath).catch((error: unknown) => {
    if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NO_CHECKPOINT') return [];
    throw error;
  });
  for (const { metadata } of stored) requireSame(metadata, settings, `The checkpoint in ${store.name}`);
}

function requireSame(found: unknown, settings: TrainingSettings, what: string): void {
  const difference = differenceOf(found, settings);
  if (difference === null) return;
  throw new JobRefused(
    `${what} has other settings than the job: ${difference}. Nothing was changed. Run it with the same settings and code, or ` +
      'with another `--store`.',
  );
}

async function storeResult(store: SweepStore, result: TrainingResult): Promise<void> {
  const text = textOf(result);
  if (await store.addResult(result.id, text)) return;
  // Another worker was faster, and must have found the same.
  if ((await store.readResult(result.id)) === text) return;
  throw new JobRefused(
    `Two workers have trained ${result.id} and found different results. The first one is kept. Do all machines have the same ` +
      'kind of processor?',
  );
}

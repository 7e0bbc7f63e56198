import { rmSync } from 'node:fs';
import type { EntropyCheckpointOptions } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import type { Flags } from '../flags.js';
import { Progress } from '../progress.js';
import { linkCopy, storedFiles } from '../stored-files.js';
import { Tally, type PartResult } from '../tally.js';
import { watchWarnings } from '../watch-warnings.js';
import type { Workspace } from '../workspace.js';
import { CALL_ROWS, type CallRow } from './call-rows.js';
import { CountedCalls } from './counted-calls.js';
import { storedValue, ValuedTraining } from './valued-training.js';

const OPTIONS = { maxToKeep: 2, saveLast: true } as const satisfies EntropyCheckpointOptions;
const VALUES = [1, 3, 2, 4, 0];
/** The two best of `VALUES`, and the last. */
const WANTED = { best: 4, 'epoch-3': 4, 'epoch-1': 3, last: 0 };
const OLDER_BEST = 4;
const NEWER_VALUE = 100;
/** In a quick run, only every so many of the windows and crashes. */
const QUICK_STRIDE = 61;

interface Context {
  readonly tally: Tally<CallRow>;
  readonly workspace: Workspace;
  readonly parent: string;
  readonly stride: number;
}

/** Fails calls of the file system: all from one to another, for all pairs; and all from one on, as a crash does. */
export async function runCalls({ quick }: Flags, workspace: Workspace): Promise<PartResult> {
  const tally = new Tally('calls', CALL_ROWS);
  const parent = workspace.newInMemoryFolder() ?? workspace.newPath('calls');
  const context = { tally, workspace, parent, stride: quick ? QUICK_STRIDE : 1 };
  await watchWarnings(async () => {
    await runWindows(context);
    await runCrashes(context);
  });
  return tally.result();
}

async function runWindows({ tally, workspace, parent, stride }: Context): Promise<void> {
  const numCalls = await trainInWindow(workspace.newPath('window', parent), -1, -1, tally);
  // The last window of each call never ends by itself.
  const lastOf = (call: number): number => (call < numCalls ? call : Infinity);
  const windows = Array.from({ length: numCalls }, (_, first) =>
    Array.from({ length: numCalls + 1 - first }, (_unused, i) => [first, lastOf(first + i)] as const),
  )
    .flat()
    .filter((_, i) => i % stride === 0);
  const progress = new Progress('trainings with a full disk', windows.length, () => tally.losses);
  for (const [first, last] of windows) {
    const folder = workspace.newPath('window', parent);
    await trainInWindow(folder, first, last, tally);
    tally.count('windows');
    rmSync(folder, { recursive: true, force: true });
    progress.step();
  }
  progress.stop();
}

/** @returns how many calls there were. */
async function trainInWindow(
  folder: string,
  first: number,
  last: number,
  tally: Tally<CallRow>,
): Promise<number> {
  const where = `full from call ${first} to ${last}`;
  const calls = new CountedCalls();
  const training = new ValuedTraining(new FileStore(folder, calls), OPTIONS);
  const { checkpoint } = training;
  // The folder is opened before the disk is full.
  await training.end(VALUES[0]!);
  await checkpoint.flush();
  const begin = calls.calls;
  calls.fails = (call) => first <= call - begin && call - begin <= last;
  for (const value of VALUES.slice(1)) {
    await training.end(value);
    // Epochs are longer than a save.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const flushed = await checkpoint.flush().then(
    () => true,
    () => false,
  );
  if (flushed !== (await isWhole(folder))) tally.addLoss('stale', where);
  calls.fails = () => false;
  const error = await checkpoint.flush().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error !== null || !(await isWhole(folder))) tally.addLoss('forgotten', `${where}: ${String(error)}`);
  if (calls.failed > 0) tally.count('failing');
  training.dispose();
  return calls.calls - begin;
}

async function isWhole(folder: string): Promise<boolean> {
  const slots = [...storedFiles(folder).slots.keys()].sort();
  if (slots.join() !== Object.keys(WANTED).sort().join()) return false;
  const found = await Promise.all([
    storedValue(folder),
    storedValue(folder, 3),
    storedValue(folder, 1),
    storedValue(folder, 'last'),
  ]);
  return found.map(({ value }) => value).join() === Object.values(WANTED).join();
}

async function runCrashes({ tally, workspace, parent, stride }: Context): Promise<void> {
  const older = workspace.newPath('older', parent);
  const training = new ValuedTraining(older, OPTIONS);
  for (const value of VALUES) await training.end(value);
  await training.checkpoint.flush();
  training.dispose();
  for (const options of [OPTIONS, {}, { saveLast: true }]) {
    let hasCrashed = true;
    for (let crash = 0; hasCrashed; crash += Math.ceil(stride / 10)) {
      const folder = workspace.newPath('crashed', parent);
      linkCopy(older, folder);
      hasCrashed = await beginAndCrash(folder, options, crash);
      tally.count('crashes');
      await judgeCrash(folder, `${JSON.stringify(options)}, ended before call ${crash}`, tally);
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Begins a new training, and ends it before a call. @returns whether there were that many calls. */
async function beginAndCrash(
  folder: string,
  options: EntropyCheckpointOptions,
  crash: number,
): Promise<boolean> {
  const calls = new CountedCalls();
  calls.fails = (call) => call >= crash;
  const training = new ValuedTraining(new FileStore(folder, calls), options);
  await training
    .end(NEWER_VALUE)
    .then(() => training.checkpoint.flush())
    .catch(() => undefined);
  training.dispose();
  await training.checkpoint.flush().catch(() => undefined);
  return calls.failed > 0;
}

/** Whatever is resumed or loaded is of one training, with its own record. */
async function judgeCrash(folder: string, where: string, tally: Tally<CallRow>): Promise<void> {
  const loaded = [
    await storedValue(folder),
    await storedValue(folder, 'last'),
    await storedValue(folder, 0),
    await storedValue(folder, 1),
  ];
  const resumed = new ValuedTraining(folder, OPTIONS);
  await resumed.checkpoint.resume();
  const history = resumed.checkpoint.history.map(({ value }) => value).join();
  const isNewer = history === String(NEWER_VALUE);
  const isOlder = history === VALUES.join();
  const isConsistent =
    resumed.weight === resumed.checkpoint.history.at(-1)?.value &&
    resumed.checkpoint.best?.value === (isNewer ? NEWER_VALUE : OLDER_BEST) &&
    loaded.every(({ value, code }) =>
      value === null
        ? code === 'ENTROPY_NO_CHECKPOINT'
        : isNewer
          ? value === NEWER_VALUE
          : VALUES.includes(value),
    );
  resumed.dispose();
  if (isConsistent && (isNewer || isOlder)) tally.count(isNewer ? 'newer' : 'older');
  else tally.addLoss('mixed', `${where}: history ${history}, loaded ${JSON.stringify(loaded)}`);
}

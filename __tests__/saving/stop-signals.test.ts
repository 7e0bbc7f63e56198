import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { useTempFolder } from '../support/fixtures.js';
import { BATCHES, EPOCHS } from './fixtures/interrupted.js';

const SCRIPT = fileURLToPath(new URL('fixtures/train-until-stopped.ts', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const tempFolder = useTempFolder();

interface Result {
  readonly position: { readonly initialEpoch: number; readonly initialBatch: number };
  readonly isStopped: boolean;
  readonly listeners: number;
  readonly last: { readonly epoch: number; readonly fit: number; readonly batches?: number };
  readonly history: readonly { readonly epoch: number; readonly value: number | null }[];
  readonly best: unknown;
  readonly trained: unknown;
  readonly restored: unknown;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line that it has printed. */
  readonly last: string;
}

/** Runs a training in a process. Each line that it prints, but the last, is answered with a signal if `signals` says so. */
async function run(args: readonly string[], signals: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, ...args], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    // Not `child.kill`: in Deno, that signal then counts as what has ended the child, and a second one is not sent.
    if (signals.includes(line)) process.kill(child.pid!, 'SIGTERM');
  }
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  return { code, signal, last };
}

async function train(args: readonly string[], signals?: readonly string[]): Promise<Result> {
  const ended = await run(args, signals);
  expect(ended).toMatchObject({ code: 0, signal: null });
  return JSON.parse(ended.last) as Result;
}

describe.each([
  ['dataset', 3],
  ['dataset', BATCHES - 1],
  ['loop', 3],
])('SIGTERM in a training by %s, in batch %i', (mode, batch) => {
  test('ends it after the batch, with the state stored, and resuming gives the uninterrupted one', async () => {
    const whole = await train([mode, join(tempFolder(), 'whole')]);
    expect(whole).toMatchObject({ isStopped: false, listeners: 0, last: { epoch: EPOCHS - 1 } });
    const folder = join(tempFolder(), 'run');

    const stopped = await train([mode, folder, '1', String(batch)], ['ready']);

    expect(stopped).toMatchObject({ isStopped: true, listeners: 0, last: { epoch: 1, batches: batch + 1 } });
    // In `fitDataset`, the epoch that was cut short is recorded without a value.
    expect(stopped.history.filter(({ value }) => value !== null)).toHaveLength(1);
    const resumed = await train([mode, folder]);
    expect(resumed.position).toEqual({ initialEpoch: 1, initialBatch: batch + 1 });
    // The rest of the epoch is another call of `fitDataset`.
    const { position, last } = resumed;
    expect(resumed).toEqual({ ...whole, position, last: { ...whole.last, fit: last.fit } });
  });
});

test('SIGTERM in `fit` ends it after the batch, and it is resumed from the end of the epoch before', async () => {
  const folder = join(tempFolder(), 'run');
  const whole = await train(['fit', join(tempFolder(), 'whole')]);
  const stopped = await train(['fit', folder, '2', '3'], ['ready']);
  expect(stopped).toMatchObject({ isStopped: true, listeners: 0, last: { epoch: 1 } });
  expect(stopped.last.batches).toBeUndefined();
  const resumed = await train(['fit', folder]);
  expect(resumed.position).toEqual({ initialEpoch: 2, initialBatch: 0 });
  expect(resumed.history).toEqual(whole.history);
  expect([resumed.trained, resumed.restored]).toEqual([whole.trained, whole.restored]);
});

test('a second SIGTERM ends the process at once', async () => {
  const ended = await run(['stuck', join(tempFolder(), 'run'), '1', '3'], ['ready', 'received']);
  expect(ended).toEqual({ code: null, signal: 'SIGTERM', last: 'received' });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { InitialPosition } from '../../src/index.js';
import { pause } from '../support/pause.js';
import { seededRandom } from '../support/seeded-random.js';
import { useTempFolder } from '../support/fixtures.js';
import { BATCHES, EPOCHS, type Outcome } from './fixtures/interrupted.js';

const SCRIPT = fileURLToPath(new URL('fixtures/train-until-killed.ts', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const tempFolder = useTempFolder();

interface Result {
  readonly position: InitialPosition;
  readonly outcome: Outcome;
}

interface Kill {
  /** After so many batches, whose states are stored. Even. */
  readonly afterBatches: number;
  /** How long after that. By then, a later batch may run, and any file be half written. */
  readonly pauseMs: number;
}

/** The largest `afterBatches`. */
const MAX_STORED = 6;
/** How many batches at most run after those that are stored. */
const MORE_BATCHES = 3;

/** Trains in a process until it's killed, or to the end. @returns null if it was killed. */
async function run(folder: string, kill: Kill | null): Promise<Result | null> {
  const limit = kill === null ? [] : [String(kill.afterBatches + MORE_BATCHES)];
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, folder, ...limit], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let [last, numStored] = ['', 0];
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line === 'stored') numStored += 2;
    if (numStored !== kill?.afterBatches) continue;
    await pause(kill.pauseMs);
    process.kill(child.pid!, 'SIGKILL');
  }
  await closed;
  return last.startsWith('{') ? (JSON.parse(last) as Result) : null;
}

test('a process that is killed at any moment within its epochs is resumed there, bit for bit', async () => {
  const whole = await run(join(tempFolder(), 'whole'), null);
  const random = seededRandom(3);
  const folder = join(tempFolder(), 'run');
  let [numStored, mostTrained] = [0, 0];
  while (mostTrained + MAX_STORED + MORE_BATCHES < EPOCHS * BATCHES) {
    const afterBatches = 2 * (1 + Math.floor((random() * MAX_STORED) / 2));
    expect(await run(folder, { afterBatches, pauseMs: Math.floor(random() * 20) })).toBeNull();
    numStored += afterBatches;
    mostTrained += afterBatches + MORE_BATCHES;
  }

  const resumed = await run(folder, null);

  expect(resumed!.outcome).toEqual(whole!.outcome);
  const { initialEpoch, initialBatch } = resumed!.position;
  expect(initialEpoch * BATCHES + initialBatch).toBeGreaterThanOrEqual(numStored);
});

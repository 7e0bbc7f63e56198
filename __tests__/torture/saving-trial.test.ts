import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { FileStore } from '../../src/stores/file/file-store.js';
import type { Session } from '../../torture/kill/kill-loop.js';
import { KILL_ROWS, type KillRow } from '../../torture/kill/kill-rows.js';
import { slotUpdateOf, sizeOf } from '../../torture/kill/numbered-saves.js';
import { SavingTrial } from '../../torture/kill/saving-trial.js';
import type { SavingReport } from '../../torture/kill/saving-victim.js';
import { Tally } from '../../torture/tally.js';
import { checkpointOfStep } from '../stores/fixtures/checkpoints.js';
import { useTempFolder } from '../support/fixtures.js';

const LAST = 8;

const tempFolder = useTempFolder();
let found: string;
let tally: Tally<KillRow>;

beforeEach(async () => {
  found = join(tempFolder(), 'found');
  tally = new Tally('kill', KILL_ROWS);
  const store = new FileStore(found);
  await store.open();
  for (let step = 0; step <= LAST; step++) {
    await store.save(checkpointOfStep(step, sizeOf(step)), slotUpdateOf(step));
  }
  store.close();
});

/** Judges what is in the folder as what a process has left. @returns the kinds of losses. */
async function judge(session: Partial<Session<SavingReport>> = {}): Promise<string[]> {
  const trial = new SavingTrial({
    parent: tempFolder(),
    windowMs: 1,
    start: () => {
      throw new Error('Nothing is to be started.');
    },
    tally,
    workspace: { newPath: (name: string) => join(tempFolder(), name), keep: () => null },
  });
  trial.order(null, true);
  await trial.judge({
    reports: [{ saved: LAST }],
    prints: [],
    stderr: '',
    exitCode: null,
    wasKilled: true,
    dyingMs: 1,
    orderedAtMs: 0,
    found,
    ...session,
  });
  return tally
    .result()
    .rows.filter(({ wanted, counted }) => wanted === 'none' && counted > 0)
    .map(({ what }) => what);
}

describe('what a killed loop of saves has left', () => {
  test('is in order', async () => {
    expect(await judge()).toEqual([]);
  });

  test('is in order where the next save had been completed, and not been reported', async () => {
    expect(await judge({ reports: [{ saved: LAST - 1 }] })).toEqual([]);
  });

  test('is a loss where a save that was reported is not there', async () => {
    expect(await judge({ reports: [{ saved: LAST + 2 }] })).toEqual([KILL_ROWS.older.what]);
  });

  test('is a loss where a slot is gone', async () => {
    rmSync(join(found, 'model.last.json'));
    expect(await judge()).toEqual([KILL_ROWS.older.what]);
  });

  test.each(['model.json', 'weights'])('is a loss where %s is damaged', async (which) => {
    const name = readdirSync(found).find((one) => one.startsWith(which))!;
    writeFileSync(join(found, name), '{}');
    expect(await judge()).toContain(KILL_ROWS.damaged.what);
  });

  test('is a loss where a process failed or left files of no use', async () => {
    expect(await judge({ stderr: 'Error: failed' })).toEqual([KILL_ROWS.failed.what]);
    expect(await judge({ reports: [{ saved: LAST, leftovers: ['a.tmp'] }] })).toEqual([
      KILL_ROWS.leftovers.what,
      KILL_ROWS.failed.what,
    ]);
  });

  test('counts as killed in the midst of a save where it has left files behind', async () => {
    writeFileSync(join(found, '.entropy-checkpoint.0123456789abcdef.tmp'), '');
    await judge();
    const { rows } = tally.result();
    const { what } = KILL_ROWS.savingUnfinished;
    // Both kinds of loops are counted under the same words, trainings first.
    expect(rows.filter((row) => row.what === what).map(({ counted }) => counted)).toContain(1);
  });
});

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FileStore } from '../../src/stores/file/file-store.js';
import type { VictimRun } from '../../torture/kill/trial.js';
import { KILL_ROWS, type KillRow } from '../../torture/kill/kill-rows.js';
import { slotUpdateOf, sizeFloatsOf } from '../../torture/kill/numbered-saves.js';
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
    await store.save(checkpointOfStep(step, sizeFloatsOf(step)), slotUpdateOf(step));
  }
  store.close();
});

/** Judges the folder as if a killed process had left it. @returns the kinds of losses. */
async function judge(run: Partial<VictimRun<SavingReport>> = {}): Promise<string[]> {
  const trial = new SavingTrial({
    parent: tempFolder(),
    windowMs: 1,
    start: () => {
      throw new Error('Expected no process to be started.');
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
    exitDelayMs: 1,
    orderedAtMs: 0,
    found,
    ...run,
  });
  return tally
    .result()
    .rows.filter(({ wanted, counted }) => wanted === 'none' && counted > 0)
    .map(({ what }) => what);
}

describe('SavingTrial', () => {
  it('accepts what a killed save loop left behind', async () => {
    expect(await judge()).toEqual([]);
  });

  it('accepts a save that was complete but not reported', async () => {
    expect(await judge({ reports: [{ saved: LAST - 1 }] })).toEqual([]);
  });

  it('counts a loss when a reported save is missing', async () => {
    expect(await judge({ reports: [{ saved: LAST + 2 }] })).toEqual([KILL_ROWS.older.what]);
  });

  it('counts a loss when a slot is missing', async () => {
    rmSync(join(found, 'model.last.json'));
    expect(await judge()).toEqual([KILL_ROWS.older.what]);
  });

  it.each(['model.json', 'weights'])('counts a loss when a file %s… is damaged', async (prefix) => {
    const name = readdirSync(found).find((file) => file.startsWith(prefix))!;
    writeFileSync(join(found, name), '{}');
    expect(await judge()).toContain(KILL_ROWS.damaged.what);
  });

  it('counts a loss when the process failed or left leftovers', async () => {
    expect(await judge({ stderr: 'Error: failed' })).toEqual([KILL_ROWS.failed.what]);
    expect(await judge({ reports: [{ saved: LAST, leftovers: ['a.tmp'] }] })).toEqual([
      KILL_ROWS.leftovers.what,
      KILL_ROWS.failed.what,
    ]);
  });

  it('counts a kill during a save when files were left behind', async () => {
    writeFileSync(join(found, '.entropy-checkpoint.0123456789abcdef.tmp'), '');
    await judge();
    const { rows } = tally.result();
    const { what } = KILL_ROWS.savingUnfinished;
    // Two rows have this text. That of trainings comes first and stays zero.
    expect(rows.filter((row) => row.what === what).map(({ counted }) => counted)).toContain(1);
  });
});

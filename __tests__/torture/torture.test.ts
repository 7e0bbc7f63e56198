import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Results } from '../../torture/report.js';
import { useTempFolder } from '../support/fixtures.js';
import { runScript } from '../support/run-script.js';

const tempFolder = useTempFolder();

const runTorture = (args: readonly string[]) =>
  runScript('torture/torture.ts', args, { ...process.env, TMPDIR: tempFolder() });

describe('npm run torture', () => {
  test('kills, fills disks, damages files, finds nothing lost, and leaves nothing behind', async () => {
    const json = join(tempFolder(), 'results.json');
    const { status, stdout } = await runTorture(['--quick', '--kills', '3', '--json', json]);
    const { parts } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(parts.flatMap(({ losses }) => losses)).toEqual([]);
    expect(status).toBe(0);
    expect(parts.map(({ part }) => part)).toEqual(['kill', 'disk-full', 'damage']);
    const counts = new Map(parts.flatMap(({ rows }) => rows.map((row) => [row.what, row.counted])));
    expect(counts.get('trainings killed (SIGKILL) at any moment')).toBe(3);
    expect(counts.get('loops of saves, without training, killed at any moment')).toBe(3);
    expect(counts.get('trainings whose folder was removed')).toBeGreaterThan(0);
    expect(counts.get('… and the slot that needs it refused with an error')).toBeGreaterThan(100);
    expect(stdout).toContain('Nothing was lost');
    expect(readdirSync(tempFolder()).filter((name) => name.startsWith('entropy'))).toEqual([]);
  }, 240_000);

  test.each([
    { args: ['--only', 'power'], told: 'power' },
    { args: ['--kills', '0'], told: '--kills' },
    { args: ['--kills', '1.5'], told: '--kills' },
    { args: ['--rounds', '3'], told: '--rounds' },
    { args: ['--json', 'nowhere/results.json'], told: 'nowhere/results.json' },
  ])('refuses $args with status 2', async ({ args, told }) => {
    const { status, stderr } = await runTorture(args);
    expect(status).toBe(2);
    expect(stderr).toContain(told);
    expect(existsSync('nowhere')).toBe(false);
  });
});

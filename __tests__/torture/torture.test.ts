import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Results } from '../../torture/report.js';
import { useTempFolder } from '../support/fixtures.js';
import { runScript } from '../support/run-script.js';

const tempFolder = useTempFolder();

const runTorture = (args: readonly string[]) =>
  runScript('torture/torture.ts', args, { ...process.env, TMPDIR: tempFolder() });

describe('npm run torture', () => {
  it('runs every part, loses nothing, and removes its files', async () => {
    const json = join(tempFolder(), 'results.json');
    const { status, stdout } = await runTorture(['--quick', '--kills', '3', '--json', json]);
    const { parts } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(parts.flatMap(({ losses }) => losses)).toEqual([]);
    expect(status).toBe(0);
    expect(parts.map(({ part }) => part)).toEqual(['kill', 'disk-full', 'calls', 'damage']);
    const counts = new Map(parts.flatMap(({ rows }) => rows.map((row) => [row.what, row.counted])));
    expect(counts.get('trainings killed (SIGKILL) at a random moment')).toBe(3);
    expect(counts.get('save loops without training, killed at a random moment')).toBe(3);
    expect(counts.get('trainings whose folder was removed, moved away or emptied')).toBe(3);
    expect(counts.get('… noticed with one warning, and written again')).toBe(3);
    expect(
      counts.get('trainings whose disk was full from one call of the file system to another'),
    ).toBeGreaterThan(5);
    expect(
      counts.get('first saves of a new training beside an older one, ended before each call'),
    ).toBeGreaterThan(5);
    expect(counts.get('… loading its slot: an error')).toBeGreaterThan(100);
    expect(stdout).toContain('Nothing was lost');
    expect(readdirSync(tempFolder()).filter((name) => name.startsWith('entropy'))).toEqual([]);
  });

  it.each([
    { args: ['--only', 'power'], mentioned: 'power' },
    { args: ['--kills', '0'], mentioned: '--kills' },
    { args: ['--kills', '1.5'], mentioned: '--kills' },
    { args: ['--rounds', '3'], mentioned: '--rounds' },
    { args: ['--json', 'nowhere/results.json'], mentioned: 'nowhere/results.json' },
  ])('refuses $args with status 2', async ({ args, mentioned }) => {
    const { status, stderr } = await runTorture(args);
    expect(status).toBe(2);
    expect(stderr).toContain(mentioned);
    expect(existsSync('nowhere')).toBe(false);
  });
});

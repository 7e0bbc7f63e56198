import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import seedrandom from 'seedrandom';
import { median, medianInterval } from '../../benchmarks/statistics.js';

function runBenchmark(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'benchmarks/overhead.ts', ...args],
      (error, stdout, stderr) => {
        settle({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

describe('the overhead benchmark', () => {
  it('measures every contender in every round, and writes the times', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overhead-'));
    try {
      const json = join(folder, 'overhead.json');
      const { status, stdout } = await runBenchmark(['--rounds', '2', '--epochs', '1', '--json', json]);
      expect(status).toBe(0);
      expect(stdout).toContain('95 % interval');
      const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { timesMs: number[] }[] };
      expect(results.map(({ timesMs }) => timesMs.length)).toEqual([2, 2, 2, 2, 2]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('refuses a wrong flag with status 2', async () => {
    const { status, stderr } = await runBenchmark(['--rounds', '0']);
    expect(status).toBe(2);
    expect(stderr).toContain('--rounds');
  });
});

describe('median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('medianInterval', () => {
  it('holds the median of the distribution in about 95 % of samples', () => {
    const random = seedrandom('coverage');
    const trials = 300;
    let hits = 0;
    for (let trial = 0; trial < trials; trial++) {
      const sample = Array.from({ length: 25 }, () => random());
      const { low, high } = medianInterval(sample, random, 400);
      if (low <= 0.5 && 0.5 <= high) hits += 1;
    }
    expect(hits / trials).toBeGreaterThan(0.89);
    expect(hits / trials).toBeLessThan(0.99);
  });
});

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Results } from '../../benchmarks/results.js';
import { useTempFolder } from '../support/fixtures.js';
import { runScript } from '../support/run-script.js';

const tempFolder = useTempFolder();

const runBench = (args: readonly string[]) => runScript('benchmarks/bench.ts', args);

describe('npm run bench', () => {
  it('measures fit, its CPU time, kernels and memory, and writes the results', async () => {
    const [json, markdown] = ['results.json', 'results.md'].map((name) => join(tempFolder(), name));
    const parts = ['--only', 'fit,profile,kernel,memory', '--workloads', 'dense,conv'];
    const args = ['--quick', '--backends', 'cpu,wasm', ...parts];
    const { status, stdout, stderr } = await runBench([...args, '--json', json!, '--markdown', markdown!]);
    expect({ status, failed: stderr.includes('failed') }).toEqual({ status: 0, failed: false });
    const { fits, kernels, memory, failures, backends } = JSON.parse(readFileSync(json!, 'utf8')) as Results;
    expect(failures).toEqual([]);
    expect(Object.keys(backends)).toEqual(['cpu', 'wasm']);
    const trained = fits.flatMap(({ outcome }) => ('reason' in outcome ? [] : [outcome]));
    const reasons = fits.flatMap(({ outcome }) => ('reason' in outcome ? [outcome.reason] : []));
    expect(trained).toHaveLength(3);
    expect(reasons).toEqual([expect.stringContaining('Conv2DBackpropFilter')]);
    for (const { ratios, attributed } of trained) {
      for (const name of ['control', 'callback', 'predict-again', 'keep-outputs'] as const) {
        expect(ratios[name]?.median).toBeGreaterThan(0);
      }
      expect(attributed?.callback?.median).toBeGreaterThan(1);
      expect(attributed?.averaged?.median).toBeGreaterThan(0);
    }
    expect(kernels.every(({ fused, composed }) => fused.timeMs > 0 && composed.timeMs > 0)).toBe(true);
    expect(kernels).toHaveLength(8);
    const peaks = memory.map(({ method, rows, peak }) => [method, rows, peak?.tensorBytes] as const);
    const peakOf = (method: string, rows: number): number =>
      peaks.find((peak) => peak[0] === method && peak[1] === rows)![2]!;
    expect(peakOf('checkpoint', 100_000)).toBe(peakOf('checkpoint', 10_000));
    expect(peakOf('keep-outputs', 100_000)).toBeGreaterThan(9 * peakOf('keep-outputs', 10_000));
    expect(stdout).toContain('predict again');
    const written = readFileSync(markdown!, 'utf8');
    for (const title of ['### fit on wasm', '### CPU time of fit on cpu']) expect(written).toContain(title);
  });

  it('measures saving, and removes its files', async () => {
    const json = join(tempFolder(), 'results.json');
    const folder = join(tempFolder(), 'saved');
    mkdirSync(folder);
    const args = [
      '--quick',
      '--only',
      'save,long,large',
      '--backends',
      'cpu,wasm',
      '--folder',
      folder,
      '--json',
      json,
    ];
    const { status, stdout } = await runBench(args);
    expect(status).toBe(0);
    const { saving } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(readdirSync(folder)).toEqual([]);
    expect(saving.fits.map(({ backend }) => backend)).toEqual(['cpu', 'wasm']);
    for (const { rounds, size } of saving.fits) {
      for (const name of ['stored', 'stored-last', 'model-save'] as const) {
        expect(rounds[0]?.[name]?.committed).toBe(size.epochs);
      }
    }
    for (const { rounds } of saving.pauses) {
      expect(rounds[0]?.bare?.longestMs).toBeGreaterThan(0);
      expect(rounds[0]?.saving?.saveMs).toBeGreaterThan(0);
    }
    for (const { rounds } of saving.long ?? []) {
      expect(rounds[0]?.short?.saveMs).toBeGreaterThan(0);
      expect(rounds[0]?.long?.saveMs).toBeGreaterThan(0);
    }
    expect(saving.long?.map(({ maxToKeep }) => maxToKeep)).toEqual([1, 5]);
    const [large] = saving.large;
    for (const timeMs of Object.values({ ...large?.written[0], ...large?.readWarm[0] })) {
      expect(timeMs).toBeGreaterThan(0);
    }
    expect(stdout).toContain('fit with a save in every epoch');
  });

  it.each([
    { args: ['--backends', 'cuda'], mentioned: 'cuda' },
    { args: ['--budget', '0'], mentioned: '--budget' },
    { args: ['--rounds', '3'], mentioned: '--rounds' },
    { args: ['--folder', 'nowhere'], mentioned: '--folder' },
    { args: ['--json', 'nowhere/results.json'], mentioned: 'nowhere/results.json' },
  ])('refuses $args with status 2', async ({ args, mentioned }) => {
    const { status, stderr } = await runBench(args);
    expect(status).toBe(2);
    expect(stderr).toContain(mentioned);
  });
});

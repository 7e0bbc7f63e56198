import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..');

const PUBLIC_NAMES = [
  'EntropyCheckpoint',
  'EntropyCheckpointCallback',
  'EntropyCheckpointError',
  'MemoryStore',
  'loadCheckpoint',
  'topKEntropy',
];

describe('the built package', () => {
  test.each([
    ['import', "const names = await import('tfjs-entropy-checkpoint')", 'module'],
    ['require', "const names = require('tfjs-entropy-checkpoint')", 'commonjs'],
  ])('gives its public names, and no others, by `%s`', async (_how, statement, type) => {
    const code = `${statement}; console.log(JSON.stringify(Object.keys(names).sort()))`;
    const args = ['--no-warnings', `--input-type=${type}`, '--eval', code];
    const { stdout } = await run(process.execPath, args, { cwd: ROOT });
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual(PUBLIC_NAMES);
  });

  test('holds nothing of Node in a bundle for browsers', async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [resolve(ROOT, 'dist/index.js')],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      external: ['@tensorflow/*'],
      // Ours leads to the sources; a user's project knows nothing of it.
      tsconfigRaw: {},
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain('dist/platform/browser.js');
    expect(inputs.filter((input) => /file-|platform\/node|process-/.test(input))).toEqual([]);
    const [bundle] = outputFiles;
    expect(bundle!.text).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
    // In a page it is the smaller part by far beside TensorFlow.js.
    expect(gzipSync(bundle!.contents).byteLength).toBeLessThan(33_000);
  });

  test('is packed with sources, types and licence, and nothing else', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const path of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/index.js.map',
    ]) {
      expect(paths).toContain(path);
    }
    const others = paths.filter((path) => !/^(dist|src)\//.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });
});

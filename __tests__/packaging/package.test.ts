import { execFile } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

const PUBLIC_NAMES = [
  'EntropyCheckpoint',
  'EntropyCheckpointCallback',
  'EntropyCheckpointError',
  'MemoryStore',
  'loadCheckpoint',
  'topKEntropy',
];

const CHARTS = 'dist/report/charts.js';

interface Chunk {
  readonly text: string;
  /** The files of this package that it holds something of. */
  readonly inputs: readonly string[];
  /** Whether it is loaded at once, with the page. */
  readonly isFirst: boolean;
}

/** As a user's project is built, with TensorFlow.js beside it. */
async function bundleForBrowsers(contents: string): Promise<Chunk[]> {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    absWorkingDir: ROOT,
    outdir: 'bundle',
    bundle: true,
    splitting: true,
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
  const { outputs } = metafile;
  const first = new Set<string>();
  const take = (path: string): void => {
    if (first.has(path)) return;
    first.add(path);
    for (const { kind, path: imported, external } of outputs[path]!.imports) {
      if (kind === 'import-statement' && external !== true) take(imported);
    }
  };
  take('bundle/stdin.js');
  return outputFiles.map(({ path, text }) => {
    const output = relative(ROOT, path);
    return { text, inputs: Object.keys(outputs[output]!.inputs), isFirst: first.has(output) };
  });
}

function gzippedBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, { text }) => total + gzipSync(text).byteLength, 0);
}

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
    const chunks = await bundleForBrowsers("export * from 'tfjs-entropy-checkpoint'");
    const inputs = chunks.flatMap((chunk) => chunk.inputs);
    expect(inputs).toContain('dist/stores/browser-stores.js');
    expect(inputs.filter((input) => /file-|node-stores|process-/.test(input))).toEqual([]);
    // The plotting library asks whether it is in Node.
    for (const { text } of chunks.filter((chunk) => !chunk.inputs.includes(CHARTS))) {
      expect(text).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
    }
  });

  test('loads in a page at first what the callback begins with, and the rest when it is needed', async () => {
    const chunks = await bundleForBrowsers(
      "export { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint'",
    );
    const [first, others] = [
      chunks.filter(({ isFirst }) => isFirst),
      chunks.filter(({ isFirst }) => !isFirst),
    ];
    const lazy = others.flatMap(({ inputs }) => inputs);
    for (const part of [
      'saving/epoch-saver',
      'state/training-state',
      'stores/indexed-db/indexed-db-store',
      'entropy/kernels/webgl',
      'report/charts',
    ]) {
      expect(lazy).toContain(`dist/${part}.js`);
    }
    // Both are said in the README.
    expect(gzippedBytes(first)).toBeLessThanOrEqual(15_000);
    const own = chunks.filter(({ inputs }) => !inputs.includes(CHARTS));
    expect(gzippedBytes(own)).toBeLessThanOrEqual(47_000);
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
    // A source map of another file than the one beside it would lead astray.
    expect(paths).not.toContain('dist/report/charts.js.map');
    const others = paths.filter((path) => !/^(dist|src)\//.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });
});

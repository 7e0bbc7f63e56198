import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';
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
  'compareReports',
  'listCheckpoints',
  'loadCheckpoint',
  'topKEntropy',
];

const CHARTS = 'dist/esm/report/charts.js';

interface Chunk {
  readonly text: string;
  /** The files of this package that are in the chunk. */
  readonly inputs: readonly string[];
  /** Whether the page loads it at first, and not by a dynamic import. */
  readonly isInitial: boolean;
}

/** Bundles a module as a user's project would, with TensorFlow.js kept external. */
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
    // This repository's tsconfig.json maps the package to its sources. A user's does not.
    tsconfigRaw: {},
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const { outputs } = metafile;
  const initial = new Set<string>();
  const addWithImports = (path: string): void => {
    if (initial.has(path)) return;
    initial.add(path);
    for (const { kind, path: imported, external } of outputs[path]!.imports) {
      if (kind === 'import-statement' && external !== true) addWithImports(imported);
    }
  };
  addWithImports('bundle/stdin.js');
  return outputFiles.map(({ path, text }) => {
    const output = relative(ROOT, path);
    return { text, inputs: Object.keys(outputs[output]!.inputs), isInitial: initial.has(output) };
  });
}

function gzippedBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, { text }) => total + gzipSync(text).byteLength, 0);
}

describe('the built package', () => {
  test.each([
    ['import', "const names = await import('tfjs-entropy-checkpoint')", 'module'],
    ['require', "const names = require('tfjs-entropy-checkpoint')", 'commonjs'],
  ])('exports its public names, and no others, by `%s`', async (_how, statement, type) => {
    const code = `${statement}; console.log(JSON.stringify(Object.keys(names).sort()))`;
    const args = ['--no-warnings', `--input-type=${type}`, '--eval', code];
    const { stdout } = await run(process.execPath, args, { cwd: ROOT });
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual(PUBLIC_NAMES);
  });

  test('has no Node code in a bundle for browsers', async () => {
    const chunks = await bundleForBrowsers("export * from 'tfjs-entropy-checkpoint'");
    const inputs = chunks.flatMap((chunk) => chunk.inputs);
    expect(inputs).toContain('dist/esm/stores/browser-stores.js');
    expect(inputs.filter((input) => /file-|node-stores|process-/.test(input))).toEqual([]);
    // The plotting library checks whether it runs in Node.
    for (const { text } of chunks.filter((chunk) => !chunk.inputs.includes(CHARTS))) {
      expect(text).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
    }
  });

  test('loads at first only what the callback needs at once, and the rest when it is needed', async () => {
    const chunks = await bundleForBrowsers(
      "export { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint'",
    );
    const initial = chunks.filter((chunk) => chunk.isInitial);
    const lazyInputs = chunks.filter((chunk) => !chunk.isInitial).flatMap(({ inputs }) => inputs);
    for (const part of [
      'saving/epoch-saver',
      'state/training-state',
      'stores/indexed-db/indexed-db-store',
      'entropy/kernels/webgl',
      'report/charts',
    ]) {
      expect(lazyInputs).toContain(`dist/esm/${part}.js`);
    }
    // The README states both sizes.
    expect(gzippedBytes(initial)).toBeLessThanOrEqual(15_000);
    const withoutCharts = chunks.filter(({ inputs }) => !inputs.includes(CHARTS));
    expect(gzippedBytes(withoutCharts)).toBeLessThanOrEqual(84_000);
  });

  async function packedPaths(): Promise<string[]> {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    return files.map(({ path }) => path);
  }

  test('is packed with its build, sources, types and documents, and nothing else', async () => {
    const paths = await packedPaths();
    for (const path of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/index.js',
      'dist/esm/index.js',
      'dist/esm/index.d.ts',
      'dist/esm/index.js.map',
      'dist/cjs/index.js',
      'dist/cjs/index.d.ts',
      'dist/single.js',
      'dist/tfjs-entropy-checkpoint.min.js',
    ]) {
      expect(paths).toContain(path);
    }
    // The build replaces that file by a bundle, for which the source map would be wrong.
    expect(paths).not.toContain('dist/esm/report/charts.js.map');
    const others = paths.filter((path) => !/^(dist|src|docs)\//.test(path));
    expect(others.sort()).toEqual([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'benchmarks/README.md',
      'examples/browser/README.md',
      'package.json',
      's3/package.json',
      'single/package.json',
      'study/README.md',
      'study/RESULTS.md',
    ]);
  });

  test('has every page and picture that its pages for users link to', async () => {
    const paths = await packedPaths();
    const pages = paths.filter((path) => /^(README|docs\/.*)\.md$/.test(path));
    const links = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      return [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target]) =>
        posix.join(posix.dirname(page), target!),
      );
    });
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter((link) => !paths.includes(link))).toEqual([]);
  });

  test('declares nothing that is internal', () => {
    const declarations = readFileSync(join(ROOT, 'dist/esm/callback.d.ts'), 'utf8');
    expect(declarations).toContain('loadCheckpoint(');
    expect(declarations).not.toMatch(/@internal|onBatchEnd\(|setModel\(/);
  });
});

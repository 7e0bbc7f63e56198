// Bundles what cannot be split, after tsc has built dist/ and dist/cjs/: the charts, the builds of a single file, and the
// module by which Node's `import` takes the classes of `require`.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const { name, version, license } = require('../package.json');

const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2022',
  logLevel: 'warning',
};

// The plotting library is in no other file.
for (const [format, folder] of [
  ['esm', 'dist'],
  ['cjs', 'dist/cjs'],
]) {
  await build({
    ...common,
    entryPoints: ['src/report/charts.ts'],
    outfile: `${folder}/report/charts.js`,
    allowOverwrite: true,
    minify: true,
    legalComments: 'inline',
    format,
  });
}

/** The charts stay in a file of their own, which a bundler doesn't follow. */
const chartsBeside = {
  name: 'charts-beside',
  setup({ onResolve }) {
    onResolve({ filter: /\/load-charts\.js$/ }, ({ resolveDir }) => ({
      path: resolve(resolveDir, 'load-charts-beside.ts'),
    }));
  },
};

/** TensorFlow.js is the global of its own script. */
const globalTfjs = {
  name: 'global-tfjs',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@tensorflow\/tfjs$/ }, ({ path }) => ({ path, namespace: 'global' }));
    onLoad({ filter: /^@tensorflow\/tfjs$/, namespace: 'global' }, () => ({
      contents: `
        if (globalThis.tf === undefined) {
          throw new Error('Load TensorFlow.js before ${name}: put its <script> above this one.');
        }
        module.exports = globalThis.tf;`,
    }));
  },
};

const single = {
  ...common,
  entryPoints: ['src/index.ts'],
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: true } },
  alias: { '#platform': './src/stores/browser-stores.ts' },
  banner: { js: `/*! ${name} ${version} | ${license} */` },
};

/** For pages: one with the global `tf`, and one with an import map for TensorFlow.js alone. */
const scripts = [`${name}.min.js`, 'single.js'];
await build({
  ...single,
  outfile: `dist/${scripts[0]}`,
  minify: true,
  format: 'iife',
  globalName: 'entropyCheckpoint',
  plugins: [chartsBeside, globalTfjs],
});
await build({
  ...single,
  outfile: `dist/${scripts[1]}`,
  minify: true,
  format: 'esm',
  external: ['@tensorflow/*'],
  plugins: [chartsBeside],
});
// Minifying drops the comments by which bundlers leave the import of the charts alone.
const singlePath = resolve(root, 'dist', scripts[1]);
const code = readFileSync(singlePath, 'utf8').split(/\bimport\((?=\w+\))/);
if (code.length !== 2) throw new Error(`Expected one import() in ${singlePath}, got ${code.length - 1}.`);
writeFileSync(singlePath, code.join('import(/* @vite-ignore *//* webpackIgnore: true */'));

// For `require` without Node, such as a test in a simulated browser.
await build({
  ...single,
  outfile: 'dist/cjs/browser.js',
  format: 'cjs',
  external: ['@tensorflow/*'],
  plugins: [chartsBeside],
});

// A process that uses both `import` and `require` has one class.
const names = Object.keys(require('../dist/cjs/index.js'));
writeFileSync(resolve(root, 'dist/node.js'), `export { ${names.join(', ')} } from './cjs/index.js';\n`);

const integrity = Object.fromEntries(
  scripts.map((script) => {
    const digest = createHash('sha384').update(readFileSync(resolve(root, 'dist', script))).digest('base64');
    return [script, `sha384-${digest}`];
  }),
);
writeFileSync(resolve(root, 'dist/integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);

// Bundles what cannot be split, after tsc has built dist/esm/ and dist/cjs/: the charts, the builds of a single file, and the
// module by which Node's `import` takes the classes of `require`.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const { name, version, license } = require('../package.json') as Record<
  'name' | 'version' | 'license',
  string
>;

const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2022',
  logLevel: 'warning',
} satisfies BuildOptions;

// The plotting library is in no other file.
for (const [format, folder] of [
  ['esm', 'dist/esm'],
  ['cjs', 'dist/cjs'],
] as const) {
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

/** The charts stay in a separate file, which a bundler doesn't follow. */
const chartsBeside: Plugin = {
  name: 'charts-beside',
  setup(bundler) {
    bundler.onResolve({ filter: /\/load-charts\.js$/ }, ({ resolveDir }) => ({
      path: resolve(resolveDir, 'load-charts-beside.ts'),
    }));
  },
};

/** Where code isn't split, what `import()` loads is a static import. Some bundlers take esbuild's own form for an `import()`. */
const staticImports: Plugin = {
  name: 'static-imports',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const imports: string[] = [];
      const contents = readFileSync(path, 'utf8').replace(
        /(?<!typeof )import\(('[^']+')\)/g,
        (_, module: string) => {
          const part = `part${imports.length}`;
          imports.push(`import * as ${part} from ${module};`);
          return `Promise.resolve(${part})`;
        },
      );
      return { contents: [contents, ...imports].join('\n'), loader: 'ts' };
    });
  },
};

/** TensorFlow.js is the global of another script. */
const globalTfjs: Plugin = {
  name: 'global-tfjs',
  setup(bundler) {
    bundler.onResolve({ filter: /^@tensorflow\/tfjs$/ }, ({ path }) => ({ path, namespace: 'global' }));
    bundler.onLoad({ filter: /^@tensorflow\/tfjs$/, namespace: 'global' }, () => ({
      contents: `
        if (globalThis.tf === undefined) {
          throw new Error('Load TensorFlow.js before ${name}: put its <script> above this one.');
        }
        module.exports = globalThis.tf;`,
    }));
  },
};

const singleFile = {
  ...common,
  entryPoints: ['src/index.ts'],
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: true } },
  alias: { '#platform': './src/stores/browser-stores.ts' },
  banner: { js: `/*! ${name} ${version} | ${license} */` },
} satisfies BuildOptions;

/** For pages: one with the global `tf`, and one with an import map for TensorFlow.js alone. */
const [tagged, single] = [`${name}.min.js`, 'single.js'];
await build({
  ...singleFile,
  outfile: `dist/${tagged}`,
  minify: true,
  format: 'iife',
  globalName: 'entropyCheckpoint',
  plugins: [chartsBeside, staticImports, globalTfjs],
});
await build({
  ...singleFile,
  outfile: `dist/${single}`,
  minify: true,
  format: 'esm',
  external: ['@tensorflow/*'],
  plugins: [chartsBeside, staticImports],
});
// Minifying drops the comments by which bundlers leave the import of the charts alone.
const singlePath = resolve(root, 'dist', single);
const code = readFileSync(singlePath, 'utf8').split(/\bimport\((?=\w+\))/);
if (code.length !== 2) throw new Error(`Expected one import() in ${singlePath}, got ${code.length - 1}.`);
writeFileSync(singlePath, code.join('import(/* @vite-ignore *//* webpackIgnore: true */'));

// For `require` without Node, such as a test in a simulated browser.
await build({
  ...singleFile,
  outfile: 'dist/cjs/browser.js',
  format: 'cjs',
  external: ['@tensorflow/*'],
  plugins: [chartsBeside, staticImports],
});

// A process that uses both `import` and `require` has one class.
for (const [entry, module] of [
  ['index', 'index'],
  ['s3', 'stores/s3/index'],
] as const) {
  const names = Object.keys(require(`../dist/cjs/${module}.js`) as object);
  writeFileSync(
    resolve(root, `dist/${entry}.js`),
    `export { ${names.join(', ')} } from './cjs/${module}.js';\n`,
  );
}

const integrity = Object.fromEntries(
  [tagged, single].map((script) => {
    const digest = createHash('sha384')
      .update(readFileSync(resolve(root, 'dist', script)))
      .digest('base64');
    return [script, `sha384-${digest}`];
  }),
);
writeFileSync(resolve(root, 'dist/integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);

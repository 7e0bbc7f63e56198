import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';
import { serveFolder } from '../../examples/browser/static-site.js';
import { compatibilityTable, type Environment } from './fixtures/compatibility-table.js';
import { openSite, type Site } from './fixtures/static-site.js';
import { addSecondTfjs, bunOf, makeProject, pack, runIn, runProgram } from './fixtures/toy-project.js';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/compatibility.md');

/** Texts by which a script is recognised: each is in one part of the code only. */
const CHARTS = 'ecmeta_';
const KERNELS = 'float partOf(float value, int part)';
const STORE = ' in another tab or worker';

const binOf = (name: string, path: string): string =>
  join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), path);
const VITE = binOf('vite', 'bin/vite.js');
const JEST = binOf('jest', 'bin/jest.js');
const METRO_FLAGS = '--platform web --config metro.config.cjs --dev false --minify false'.split(' ');
const TYPESCRIPT = binOf('typescript', 'bin/tsc');

/** TensorFlow.js with the packages that it loads. */
const TFJS = ['@tensorflow', 'long', 'seedrandom'];

const TRAINED = {
  epochs: 3,
  entropy: expect.any(Number),
  epoch: 0,
  isBestLast: false,
  isRestored: true,
  isLoaded: true,
};
const IN_PAGE = { ...TRAINED, backend: 'webgl', isFused: true };
const IN_WORKER = { ...TRAINED, backend: 'cpu' };

const NODE = { backend: 'cpu', store: 'folder', tested: 'trains, saves, loads back, reports' };
const BUILT = {
  backend: 'webgl; cpu in the worker',
  store: 'IndexedDB',
  tested: 'built; trains, saves, loads back and reports in Chromium; trains in a worker',
};

/** Projects whose `npm start` trains, and prints as its last line what it has done. */
const STARTED = new Map([
  ['worker-threads', { environment: 'Node, `worker_threads`' }],
  ['cluster', { environment: 'Node, `cluster`' }],
  ['vue', { environment: 'Vue 3.5, in Node', store: 'memory' }],
  ['svelte', { environment: 'Svelte 5, in Node', store: 'memory' }],
]);

/** What has passed, in the order of the tests. */
const passed: Environment[] = [];
let folder = '';
let tarball = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'environments-'));
  tarball = await pack(folder);
});

afterAll(async () => {
  process.stdout.write(`\n${compatibilityTable(passed)}\n`);
  await rm(folder, { recursive: true, force: true });
});

/** @param run returns what was tested, if the description doesn't say it. */
function environment(description: Environment, run: () => Promise<unknown>): void {
  test(description.environment, async () => {
    const tested = await run();
    passed.push({ ...description, ...(typeof tested === 'string' ? { tested } : {}) });
  });
}

describe('in Node', () => {
  const trainIn = async (name: string, script: string): Promise<void> => {
    expectTrainedInNode(await runIn(await makeProject(name, folder, tarball, ['@tensorflow']), script));
  };

  environment({ ...NODE, environment: 'Node, `import`' }, () => trainIn('node-esm', 'main.js'));
  environment({ ...NODE, environment: 'Node, `require`' }, () => trainIn('node-commonjs', 'main.cjs'));

  test('two copies of TensorFlow.js are refused before anything is trained', async () => {
    const project = await makeProject('node-two-copies', folder, tarball, TFJS);
    await addSecondTfjs(project);
    const { refusals, isUnchanged } = JSON.parse(await runIn(project, 'main.js')) as {
      refusals: Record<string, unknown>;
      isUnchanged: boolean;
    };
    for (const refusal of Object.values(refusals)) {
      expect(refusal).toEqual({
        code: 'ENTROPY_UNSUPPORTED_TFJS',
        message: expect.stringContaining('Load TensorFlow.js once'),
      });
    }
    expect(Object.keys(refusals)).toEqual([
      'callback alone',
      'callback first',
      'callback second',
      'resume',
      'custom training loop',
      'loadCheckpoint',
    ]);
    expect(isUnchanged).toBe(true);
  });

  const runJest = async (name: string): Promise<void> => {
    const project = await makeProject(name, folder, tarball, TFJS);
    // Jest takes CommonJS alone, if it's given no flags.
    const outfile = join(project, 'toy-training.cjs');
    await build({ entryPoints: [join(project, 'toy-training.js')], format: 'cjs', outfile });
    await runIn(project, JEST, '--ci', '--rootDir', project);
  };

  environment({ ...NODE, environment: 'Jest 30, no flags' }, () => runJest('jest'));
  environment(
    {
      environment: 'Jest 30, no flags, jsdom',
      backend: 'cpu',
      store: 'localStorage',
      tested: 'trains, saves, loads back',
    },
    () => runJest('jsdom'),
  );

  environment(
    {
      environment: 'TypeScript 4.7 and 6.0',
      backend: '–',
      store: '–',
      tested: 'types for `commonjs`, `node16` and `bundler`; none of ours fails without `skipLibCheck`',
    },
    async () => {
      const project = await makeProject('typescript', folder, tarball, ['@tensorflow']);
      const lowest = join(project, 'node_modules/typescript/bin/tsc');
      const commonJs = ['--module', 'commonjs', '--moduleResolution', 'node'];
      for (const [compiler, ...options] of [
        [lowest, ...commonJs],
        [lowest, '--module', 'node16'],
        [TYPESCRIPT, '--module', 'node16'],
        [TYPESCRIPT, '--module', 'esnext', '--moduleResolution', 'bundler'],
      ] as const) {
        const args = [
          '--noEmit',
          '--strict',
          '--target',
          'es2022',
          '--lib',
          'es2022,dom',
          ...options,
          'main.ts',
        ];
        // Libraries are checked as well: TensorFlow.js has errors in its types.
        const errors = await runIn(project, compiler, ...args).catch(
          (error: unknown) => (error as { stdout: string }).stdout,
        );
        expect(errors).toContain('@tensorflow');
        expect(errors).not.toMatch(/tfjs-entropy-checkpoint|^main\.ts/m);
      }
    },
  );
});

describe('in other runtimes', () => {
  const tested = 'trains, saves, loads back, reports; conformance cases on cpu and wasm';
  const trainAndConform = async (name: string, findRuntime: (project: string) => string[]): Promise<void> => {
    const linked = [...TFJS, 'chai', 'echarts'];
    const project = await makeProject(name, folder, tarball, linked);
    const [program, ...args] = findRuntime(project);
    expectTrainedInNode(await runProgram(project, program!, ...args, 'main.js'));
    const conformance = join(project, 'conformance.mjs');
    await bundleConformance(conformance);
    for (const backend of ['cpu', 'wasm']) {
      const output = await runProgram(project, program!, ...args, conformance, backend);
      const { cases, failures } = JSON.parse(output.trim().split('\n').at(-1)!) as {
        cases: number;
        failures: string[];
      };
      expect(failures).toEqual([]);
      expect(cases).toBeGreaterThan(150);
    }
  };

  environment({ environment: 'Deno 2.9', backend: 'cpu, wasm', store: 'folder', tested }, () =>
    trainAndConform('deno', (project) => [
      process.execPath,
      join(project, 'node_modules/deno/bin.cjs'),
      'run',
      '--allow-all',
    ]),
  );
  environment({ environment: 'Bun 1.4', backend: 'cpu, wasm', store: 'folder', tested }, () =>
    trainAndConform('bun', (project) => [bunOf(project)]),
  );

  async function bundleConformance(outfile: string): Promise<void> {
    await build({
      entryPoints: [join(import.meta.dirname, 'fixtures/conformance-program.ts')],
      absWorkingDir: ROOT,
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      alias: { '#platform': './src/stores/node-stores.ts' },
    });
  }
});

describe('in separate programs', () => {
  for (const [name, description] of STARTED) {
    environment({ ...NODE, ...description }, async () => {
      const project = await makeProject(name, folder, tarball, TFJS);
      const output = await runProgram(project, 'npm', 'run', '--silent', 'start');
      const { ok, what } = JSON.parse(output.trim().split('\n').at(-1)!) as { ok: boolean; what: string };
      expect(ok).toBe(true);
      return what;
    });
  }
});

describe('in a page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium('webgl');
  });

  afterAll(() => browser.close());

  const vite = (name: string) => async (): Promise<void> => {
    const project = await makeProject(name, folder, tarball, ['@tensorflow']);
    const own = join(project, 'node_modules/vite/bin/vite.js');
    await runIn(project, existsSync(own) ? own : VITE, 'build');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  };

  environment({ ...BUILT, environment: 'Vite 5' }, vite('vite5'));
  environment({ ...BUILT, environment: 'Vite 6' }, vite('vite6'));
  environment({ ...BUILT, environment: 'Vite 8' }, vite('vite'));

  environment({ ...BUILT, environment: 'webpack 5' }, async () => {
    const project = await makeProject('webpack', folder, tarball, ['@tensorflow', 'webpack']);
    await runIn(project, 'build.js');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  });

  environment({ ...BUILT, environment: 'Rollup 4' }, async () => {
    const project = await makeProject('rollup', folder, tarball, TFJS);
    await runIn(project, 'node_modules/rollup/dist/bin/rollup', '--config', '--silent');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  });

  environment({ ...BUILT, environment: 'Parcel 2' }, async () => {
    const project = await makeProject('parcel', folder, tarball, []);
    const flags = ['--no-optimize', '--no-source-maps', '--no-cache', '--no-autoinstall'];
    const parcel = 'node_modules/parcel/lib/bin.js';
    await runIn(project, parcel, 'build', 'index.html', '--public-url', '/toys/', ...flags);
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  });

  environment({ ...BUILT, environment: 'esbuild' }, async () => {
    const project = await makeProject('esbuild', folder, tarball, ['@tensorflow', 'esbuild']);
    await runIn(project, 'build.js');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
    await expectErrorWithoutStore(join(project, 'dist'));
  });

  environment(
    {
      ...BUILT,
      environment: 'Metro',
      backend: 'webgl',
      tested: 'built for the web; trains, saves, loads back and reports in Chromium',
    },
    async () => {
      const project = await makeProject('metro', folder, tarball, TFJS);
      await mkdir(join(project, 'dist'));
      const metro = 'node_modules/metro/src/cli.js';
      await runIn(project, metro, 'build', 'page.js', '--out', 'dist/page.js', ...METRO_FLAGS);
      await writeFile(join(project, 'dist/index.html'), await readFile(join(project, 'index.html')));
      await expectTrainingInPage(join(project, 'dist'), null);
    },
  );

  const inPage = { ...BUILT, backend: 'webgl', tested: 'trains, saves, loads back and reports in Chromium' };

  environment({ ...inPage, environment: '`<script>` tags' }, async () => {
    const project = await makeProject('script-tag', folder, tarball, ['@tensorflow']);
    await expectTrainingInPage(project, expectNoCharts);
  });
  for (const [title, build] of [
    ['split files', 'dist/esm/index.js'],
    ['one file', 'dist/single.js'],
  ] as const) {
    environment({ ...inPage, environment: `import map, ${title}` }, async () => {
      const parent = await mkdtemp(join(folder, 'import-map-'));
      const project = await makeProject('import-map', parent, tarball, ['@tensorflow']);
      const page = join(project, 'index.html');
      await writeFile(page, (await readFile(page, 'utf8')).replace('dist/esm/index.js', build));
      await expectTrainingInPage(project, expectNoCharts);
    });
  }

  environment(
    {
      environment: 'service worker',
      backend: 'cpu',
      store: 'IndexedDB',
      tested: 'trains, saves and loads back in Chromium; no report',
    },
    async () => {
      const project = await makeProject('service-worker', folder, tarball, ['@tensorflow', 'esbuild']);
      await runIn(project, 'build.js');
      const site = await serveFolder(join(project, 'dist'), '/');
      try {
        const page = await browser.newPage();
        await page.goto(site.url);
        expect(await page.evaluate(() => globalThis.train())).toEqual({
          summary: IN_WORKER,
          report: {
            code: 'ENTROPY_CODE_NOT_LOADED',
            message: expect.stringContaining('cannot be made in a service worker'),
          },
        });
        await page.close();
      } finally {
        await site.close();
      }
    },
  );

  /** @param expectLoaded checks which scripts are loaded after the training, before the report; null: nothing is. */
  async function expectTrainingInPage(
    site: string,
    expectLoaded: ((loaded: Site) => void) | null,
  ): Promise<void> {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const loaded = await openSite(page, site);
      expect(await page.evaluate(() => globalThis.train())).toEqual(IN_PAGE);
      expectLoaded?.(loaded);
      expectReport(await page.evaluate(() => globalThis.report()));
      if (expectLoaded !== null)
        expect(loaded.scripts.filter((script) => script.includes(CHARTS))).toHaveLength(1);
      const hasWorker = await page.evaluate(() => typeof globalThis.trainInWorker === 'function');
      if (hasWorker) expect(await page.evaluate(() => globalThis.trainInWorker!())).toEqual(IN_WORKER);
      expect(hasWorker).toBe(expectLoaded === expectLoadedLazily);
      expect(loaded.errors).toEqual([]);
    } finally {
      await context.close();
    }
  }

  /** Trains while the store's script cannot be fetched. */
  async function expectErrorWithoutStore(site: string): Promise<void> {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const { errors } = await openSite(page, site, (script) => !script.includes(STORE));
      const error = await page.evaluate(() =>
        globalThis.train().catch((thrown: unknown) => {
          const { code, cause } = thrown as { code: string; cause: unknown };
          return { code, cause: String(cause) };
        }),
      );
      expect(error).toEqual({ code: 'ENTROPY_CODE_NOT_LOADED', cause: expect.stringContaining('import') });
      // Chromium prints this for each failed request. No error is uncaught.
      expect(errors.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    } finally {
      await context.close();
    }
  }
});

test('docs/compatibility.md names what has passed', async () => {
  const page = await readFile(PAGE, 'utf8');
  const updated = page.replace(
    /(<!-- table -->\n)[^]*(\n<!-- \/table -->)/,
    (_, before: string, after: string) => [before, compatibilityTable(passed), after].join('\n'),
  );
  if (process.env['UPDATE_COMPATIBILITY'] === '1') await writeFile(PAGE, updated);
  else expect(page).toBe(updated);
});

function expectTrainedInNode(output: string): void {
  const { report, ...summary } = JSON.parse(output.trim().split('\n').at(-1)!) as { report: string };
  expect(summary).toEqual({ ...TRAINED, backend: 'cpu' });
  expectReport(report);
}

/** Expects the scripts that training needs, each in a separate file, and no others. */
function expectLoadedLazily({ scripts }: Site): void {
  const indicesOf = (text: string): number[] =>
    scripts.flatMap((script, i) => (script.includes(text) ? [i] : []));
  expect(indicesOf(CHARTS)).toEqual([]);
  for (const text of [KERNELS, STORE]) {
    const [index, ...others] = indicesOf(text);
    // The script at 0 is the one that the page names.
    expect(index).toBeGreaterThan(0);
    expect(others).toEqual([]);
  }
}

function expectNoCharts({ scripts }: Site): void {
  expect(scripts.filter((script) => script.includes(CHARTS))).toEqual([]);
}

function expectReport(report: string): void {
  expect(report).toMatch(/^<!doctype html>/);
  expect(report).toContain('<svg');
  expect(report).toContain('was kept');
}

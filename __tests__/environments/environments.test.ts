import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';
import { serveFolder } from '../../examples/browser/static-site.js';
import { compatibilityTable, type Environment } from './fixtures/compatibility-table.js';
import { runCoreSuites, type Runtime } from './fixtures/core-suites/core-suites.js';
import { leftOutList } from './fixtures/core-suites/left-out.js';
import { openSite, type Site } from './fixtures/static-site.js';
import {
  addSecondTfjs,
  binOf,
  bunOf,
  denoOf,
  JEST,
  makeProject,
  pack,
  runIn,
  runProgram,
} from './fixtures/toy-project.js';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/compatibility.md');

/** Texts by which a script is recognised: each is in one part of the code only. */
const CHARTS = 'ecmeta_';
const KERNELS = 'float partOf(float value, int part)';
const STORE = ' in another tab or worker';

const VITE = binOf('vite', 'bin/vite.js');
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
const STARTED = new Map<string, Partial<Environment> & { environment: string; linked?: string[] }>([
  ['worker-threads', { environment: 'Node, `worker_threads`' }],
  ['cluster', { environment: 'Node, `cluster`' }],
  ['vue', { environment: 'Vue 3.5, in Node', store: 'memory' }],
  ['svelte', { environment: 'Svelte 5, in Node', store: 'memory' }],
  // Libraries that train. TensorFlow.js is installed with them.
  ['scikitjs', { environment: 'scikitjs 1.24, in Node', linked: [] }],
  ['speech-commands', { environment: 'Speech Commands 0.5, in Node', linked: [] }],
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
function environment(description: Environment, run: () => Promise<unknown>, timeoutMs?: number): void {
  const runAndNote = async (): Promise<void> => {
    const tested = await run();
    passed.push({ ...description, ...(typeof tested === 'string' ? { tested } : {}) });
  };
  test(description.environment, runAndNote, timeoutMs);
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
  const inRuntime = { backend: 'cpu, wasm', store: 'folder', tested: '' };
  const CORE = join(import.meta.dirname, 'fixtures/core-suites');
  /** Each test starts a hundred programs. */
  const TIMEOUT_MS = 2_700_000;

  const testDeno = (): Promise<string> =>
    testRuntime('deno', ['run', '--allow-all'], (project) => ({
      name: 'Deno',
      program: denoOf(project),
      args: ['run', '--allow-all', '--no-check', '--no-lock', `--config=${join(CORE, 'deno.json')}`],
      // Sources import each other with the extension that they have once built. Processes of the tests inherit this.
      env: { DENO_UNSTABLE_SLOPPY_IMPORTS: '1' },
    }));
  environment({ ...inRuntime, environment: 'Deno 2.9' }, testDeno, TIMEOUT_MS);

  const testBun = (): Promise<string> =>
    testRuntime('bun', [], (project) => ({
      name: 'Bun',
      program: bunOf(project),
      args: [`--tsconfig-override=${join(CORE, 'tsconfig.bun.json')}`],
    }));
  environment({ ...inRuntime, environment: 'Bun 1.4' }, testBun, TIMEOUT_MS);

  /** @returns what was tested. */
  async function testRuntime(
    name: string,
    args: readonly string[],
    runtimeOf: (project: string) => Runtime,
  ): Promise<string> {
    const project = await makeProject(name, folder, tarball, [...TFJS, 'chai', 'echarts']);
    const runtime = runtimeOf(project);
    expectTrainedInNode(await runProgram(project, runtime.program, ...args, 'main.js'));

    const conformance = join(project, 'conformance.mjs');
    await bundleConformance(conformance);
    for (const backend of ['cpu', 'wasm']) {
      const output = await runProgram(project, runtime.program, ...args, conformance, backend);
      const { cases, failures } = JSON.parse(output.trim().split('\n').at(-1)!) as {
        cases: number;
        failures: string[];
      };
      expect(failures).toEqual([]);
      expect(cases).toBeGreaterThan(150);
    }

    const { suites, suitesRun, passedTests, problems } = await runCoreSuites(runtime);
    expect(problems).toEqual([]);
    process.stdout.write(
      `${runtime.name}: ${passedTests} tests passed, in ${suitesRun} of ${suites} core suites.\n`,
    );
    const what = 'trains, saves, loads back, reports; conformance cases on cpu and wasm';
    return `${what}; all core suites but ${suites - suitesRun}`;
  }

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
  for (const [name, { linked = TFJS, ...description }] of STARTED) {
    environment({ ...NODE, ...description }, async () => {
      const project = await makeProject(name, folder, tarball, linked);
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

test('docs/compatibility.md names what has passed, and what was left out', async () => {
  const page = await readFile(PAGE, 'utf8');
  const updated = Object.entries({ table: compatibilityTable(passed), 'left out': leftOutList() }).reduce(
    (text, [name, content]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\n)[^]*(\n<!-- /${name} -->)`),
        (_, before: string, after: string) => [before, content, after].join('\n'),
      ),
    page,
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

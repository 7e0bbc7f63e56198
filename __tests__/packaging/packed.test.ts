import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';
import { openSite, type Site } from './fixtures/static-site.js';
import { addSecondTfjs, makeProject, pack, runIn } from './fixtures/toy-project.js';

/** Texts by which a script is recognised: each is in one part of the code only. */
const CHARTS = 'ecmeta_';
const KERNELS = 'float partOf(float value, int part)';
const STORE = ' in another tab or worker';

const VITE = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');

let folder = '';
let tarball = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packaging-'));
  tarball = await pack(folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const TRAINED = {
  epochs: 3,
  entropy: expect.any(Number),
  epoch: 0,
  isBestLast: false,
  isRestored: true,
  isLoaded: true,
};

/** TensorFlow.js with the packages that it loads. */
const TFJS = ['@tensorflow', 'long', 'seedrandom'];

describe('in Node', () => {
  test.each([
    ['node-esm', 'main.js'],
    ['node-commonjs', 'main.cjs'],
  ])('%s: trains, saves to a folder, loads back and reports', async (name, script) => {
    const project = await makeProject(name, folder, tarball, ['@tensorflow']);
    const { report, ...summary } = JSON.parse(await runIn(project, script)) as { report: string };
    expect(summary).toEqual({ ...TRAINED, backend: 'cpu' });
    expectReport(report);
  });

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
});

describe('in a page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium('webgl');
  });

  afterAll(() => browser.close());

  test('built by Vite', async () => {
    const project = await makeProject('vite', folder, tarball, ['@tensorflow']);
    await runIn(project, VITE, 'build');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  });

  test('built by webpack', async () => {
    const project = await makeProject('webpack', folder, tarball, ['@tensorflow', 'webpack']);
    await runIn(project, 'build.js');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
  });

  test('built by esbuild', async () => {
    const project = await makeProject('esbuild', folder, tarball, ['@tensorflow', 'esbuild']);
    await runIn(project, 'build.js');
    await expectTrainingInPage(join(project, 'dist'), expectLoadedLazily);
    await expectErrorWithoutStore(join(project, 'dist'));
  });

  test('without a bundler, with an import map', async () => {
    const project = await makeProject('import-map', folder, tarball, ['@tensorflow']);
    await expectTrainingInPage(project, ({ scripts }) => {
      expect(scripts.filter((script) => script.includes(CHARTS))).toEqual([]);
    });
  });

  /** @param expectLoaded checks which scripts are loaded after the training, before the report. */
  async function expectTrainingInPage(site: string, expectLoaded: (loaded: Site) => void): Promise<void> {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const loaded = await openSite(page, site);
      const summary = await page.evaluate(() => globalThis.train());
      expect(summary).toEqual({ ...TRAINED, backend: 'webgl', isFused: true });
      expectLoaded(loaded);
      expectReport(await page.evaluate(() => globalThis.report()));
      expect(loaded.scripts.filter((script) => script.includes(CHARTS))).toHaveLength(1);
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

function expectReport(report: string): void {
  expect(report).toMatch(/^<!doctype html>/);
  expect(report).toContain('<svg');
  expect(report).toContain('Kept epoch');
}

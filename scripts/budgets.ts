/**
 * Measures what a first visit loads and how much its layout shifts, on the documentation site, the live page and reports:
 * `npm run budgets`. It fails above a budget. Times depend on the machine, and are printed only.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../backends/launch-chromium.js';
import { serveFolder } from '../examples/browser/static-site.js';
import { compareReports } from '../src/report/compare-reports.js';
import { report } from '../src/report/report.js';
import { fakeTraining } from '../__tests__/support/fake-training.js';
import { visit, type Visit } from './page-visit.js';

const ROOT = resolve(import.meta.dirname, '..');
const TRAINING_TIMEOUT_MS = 300_000;
/** More counts as a page that jumps. */
const MAX_SHIFT = 0.1;
const WIDTHS = [1280, 390];

interface Budget {
  readonly name: string;
  /** Below the served folder. */
  readonly path: string;
  readonly maxKilobytes: number;
  readonly maxRequests: number;
  /** What the visitor does after the page has loaded. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const BUDGETS: readonly Budget[] = [
  { name: 'report', path: 'report.html', maxKilobytes: 10, maxRequests: 1 },
  { name: 'comparison of 5 trainings', path: 'comparison.html', maxKilobytes: 20, maxRequests: 1 },
  { name: 'documentation, home', path: 'index.html', maxKilobytes: 150, maxRequests: 12 },
  { name: 'live page', path: 'demo/index.html', maxKilobytes: 1600, maxRequests: 30 },
  {
    name: 'live page, and a training',
    path: 'demo/index.html',
    maxKilobytes: 1600,
    maxRequests: 45,
    act: (page) => train(page, false),
  },
  {
    name: 'live page, and one that averages',
    path: 'demo/index.html',
    maxKilobytes: 1600,
    maxRequests: 45,
    act: (page) => train(page, true),
  },
];

async function train(page: Page, averagesWeights: boolean): Promise<void> {
  await page.locator('#average-weights').setChecked(averagesWeights);
  await page.locator('#start:enabled').click();
  await page.locator('#progress-text', { hasText: 'Finished' }).waitFor({ timeout: TRAINING_TIMEOUT_MS });
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'budgets-'));
  const docs = ['--import', 'tsx', join(ROOT, 'scripts/docs.ts'), folder];
  execFileSync(process.execPath, docs, { cwd: ROOT, stdio: 'inherit' });
  await writeReports(folder);
  const site = await serveFolder(folder, '/');
  const browser = await launchChromium('cpu');
  try {
    const rows = await measureAll(browser, site.url);
    console.log(tableOf(rows));
    const failures = rows.flatMap(failuresOf);
    for (const failure of failures) console.error(failure);
    process.exitCode = failures.length === 0 ? 0 : 1;
  } finally {
    await browser.close();
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeReports(folder: string): Promise<void> {
  const trainings = Array.from({ length: 5 }, (_, seed) => trainingOf(seed));
  await writeFile(join(folder, 'report.html'), await report(trainings[0]!));
  const histories = trainings.map(({ selector: { history } }) => ({ history }));
  await writeFile(join(folder, 'comparison.html'), await compareReports(histories));
}

/** 15 epochs with a loss and an accuracy, as `fit` logs them. */
function trainingOf(seed: number): ReturnType<typeof fakeTraining> {
  const epochs = Array.from({ length: 15 }, (_, epoch) => {
    const value = 0.6 - Math.abs(epoch - 3) / 50 + Math.sin(7 * epoch + seed) / 150;
    const logs = { loss: 2 - epoch / 9, val_loss: 2 + epoch / 30, acc: epoch / 20, val_acc: value / 2 };
    return { value, valEntropy: value + 0.01, logs };
  });
  return fakeTraining(epochs);
}

interface Row extends Visit {
  readonly budget: Budget;
  readonly width: number;
}

async function measureAll(browser: Browser, url: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const budget of BUDGETS) {
    for (const width of WIDTHS) {
      const visited = await visit(browser, `${url}${budget.path}`, { width, ...budget });
      rows.push({ ...visited, budget, width });
    }
  }
  return rows;
}

function tableOf(rows: readonly Row[]): string {
  const header = '| page | width | kB (gzip) | requests | layout shift | largest paint (ms) |';
  const lines = rows.map(({ budget, width, bytes, requests, shift, largestPaintMs }) => {
    const kilobytes = `${(bytes / 1000).toFixed(1)} of ${budget.maxKilobytes}`;
    const paint = largestPaintMs === null ? '–' : largestPaintMs.toFixed(0);
    return `| ${budget.name} | ${width} | ${kilobytes} | ${requests} of ${budget.maxRequests} | ${shift.toFixed(4)} | ${paint} |`;
  });
  return [header, '| --- | ---: | ---: | ---: | ---: | ---: |', ...lines].join('\n');
}

function failuresOf({ budget, width, bytes, requests, shift, shifted }: Row): string[] {
  const { name, maxKilobytes, maxRequests } = budget;
  const checks: [boolean, string][] = [
    [bytes <= 1000 * maxKilobytes, `${bytes} bytes instead of at most ${1000 * maxKilobytes}`],
    [requests <= maxRequests, `${requests} requests instead of at most ${maxRequests}`],
    [
      shift < MAX_SHIFT,
      `a layout shift of ${shift} instead of less than ${MAX_SHIFT}: ${shifted.join(', ')}`,
    ],
  ];
  return checks.flatMap(([isKept, text]) =>
    isKept ? [] : [`Over budget: ${name} at ${width} pixels has ${text}.`],
  );
}

await main();

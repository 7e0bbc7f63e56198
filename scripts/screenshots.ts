/** Takes the pictures for the docs, of the live page and a report after a training: `npm run screenshots`. */
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../backends/launch-chromium.js';
import { buildPage, serveFolder } from '../examples/browser/static-site.js';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
/** Pictures are loaded with the docs, and stay in the repository's history. */
const MAX_BYTES = 150_000;
const TRAINING_TIMEOUT_MS = 300_000;

interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly viewport: { width: number; height: number };
}

const PAGE_LOOKS: Record<string, Look> = {
  'page-light.png': { colorScheme: 'light', viewport: { width: 1100, height: 1030 } },
  'page-dark-phone.png': { colorScheme: 'dark', viewport: { width: 390, height: 1560 } },
};

const REPORT_LOOKS: Record<string, Look> = {
  'report-light.png': { colorScheme: 'light', viewport: { width: 900, height: 900 } },
  'report-dark.png': { colorScheme: 'dark', viewport: { width: 900, height: 900 } },
};

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'screenshots-'));
  await mkdir(IMAGES, { recursive: true });
  await buildPage(folder);
  const site = await serveFolder(folder, '/demo/');
  const browser = await launchChromium('cpu');
  try {
    let report = '';
    for (const [name, look] of Object.entries(PAGE_LOOKS))
      report = await takePage(browser, site.url, name, look);
    for (const [name, look] of Object.entries(REPORT_LOOKS)) await takeReport(browser, report, name, look);
  } finally {
    await browser.close();
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the report of that training. */
async function takePage(browser: Browser, url: string, name: string, look: Look): Promise<string> {
  const page = await open(browser, { ...look, acceptDownloads: true });
  await page.addInitScript(startAtOnce);
  await page.goto(url);
  await page.locator('main:not(.example) .chart svg').first().waitFor({ timeout: TRAINING_TIMEOUT_MS });
  const firstCurveMs = await page.evaluate(() => globalThis.firstCurveMs);
  console.log(`From opening the page to the first curve: ${(firstCurveMs! / 1000).toFixed(1)} s`);
  await page.locator('#progress-text', { hasText: 'Finished' }).waitFor({ timeout: TRAINING_TIMEOUT_MS });
  await page.click('#restore');
  await page.locator('#message', { hasText: 'is restored' }).waitFor();
  const downloading = page.waitForEvent('download');
  await page.evaluate(() => {
    document.querySelector<HTMLButtonElement>('#download-report')?.click();
  });
  const report = await readFile(await (await downloading).path(), 'utf8');
  await page.click('#restore');
  await page.locator('#message', { hasText: 'is restored' }).waitFor();
  await page.evaluate((isPhone) => {
    document.querySelector<HTMLElement>(':focus')?.blur();
    // The upper part is the form, which the other picture shows.
    if (isPhone) document.querySelector('main')?.scrollIntoView();
    else scrollTo(0, 0);
  }, look.viewport.width < 600);
  await take(page, name);
  return report;
}

declare global {
  /** When the first curve was drawn, in ms after the page was opened. */
  var firstCurveMs: number | undefined;
}

/** Presses Start as soon as the page allows it. Runs in the page, because a click from outside waits for several frames. */
function startAtOnce(): void {
  let isStarted = false;
  new MutationObserver(() => {
    const start = document.querySelector<HTMLButtonElement>('#start:enabled');
    if (!isStarted && start !== null) {
      isStarted = true;
      start.click();
    }
    if (document.querySelector('main:not(.example) .chart svg') !== null)
      globalThis.firstCurveMs ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true });
}

async function takeReport(browser: Browser, report: string, name: string, look: Look): Promise<void> {
  const page = await open(browser, look);
  await page.setContent(report);
  await take(page, name);
}

async function open(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
  return context.newPage();
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(IMAGES, name);
  // An element under the pointer would look hovered.
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  await page.context().close();
  const { size } = await stat(path);
  console.log(`docs/images/${name}: ${size.toLocaleString('en')} bytes`);
  if (size > MAX_BYTES)
    throw new Error(`Reduce the viewport of ${name}: expected at most ${MAX_BYTES} bytes, got ${size}.`);
}

await main();

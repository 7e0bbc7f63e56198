import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LinkChecker, LinkState, type CheckOptions } from 'linkinator';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';
import { auditAccessibility } from '../support/accessibility.js';
import { unreachableByTab } from '../support/keyboard.js';
import { serveFolder } from '../../examples/browser/static-site.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** Other sites may be unreachable, and their failures are not this package's. */
const EXTERNAL = '^https?://(?!localhost[:/])';
/** A second passes whenever the time is asked for, as on a machine that is much too slow. */
const FAST_CLOCK = 'data:text/javascript,let%20ms=1e12;Date.now=()=>(ms+=1000)';
/** For a whole training on a slow, shared machine with software rendering. */
const TRAINING_TIMEOUT_MS = 240_000;
const run = promisify(execFile);

const site = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-site-'));
let pages: string[] = [];

beforeAll(async () => {
  // As `npm run docs` does.
  await run(process.execPath, ['--import', 'tsx', 'scripts/docs.ts', site], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: `--import=${FAST_CLOCK}` },
  });
  pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
});

afterAll(() => {
  rmSync(site, { recursive: true, force: true });
});

/** The broken links, each with its page. */
async function brokenLinks(options: CheckOptions): Promise<string[]> {
  const checker = new LinkChecker();
  const { links } = await checker.check({ ...options, checkFragments: true, linksToSkip: [EXTERNAL] });
  expect(links.filter(({ state }) => state === LinkState.OK).length).toBeGreaterThan(10);
  return links
    .filter(({ state }) => state === LinkState.BROKEN)
    .map(({ parent, url }) => `${parent ?? ''} → ${url}`);
}

describe('the documentation site', () => {
  test('has the guides, the project documents and the exports of the package', () => {
    expect(pages).toEqual(
      expect.arrayContaining([
        'index.html',
        'documents/Getting_started.html',
        'documents/Contributing.html',
        'classes/API.EntropyCheckpointCallback.html',
        'functions/API.topKEntropy.html',
      ]),
    );
    const guides = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    const documents = pages.filter((name) => name.startsWith('documents/'));
    expect(documents.length).toBeGreaterThanOrEqual(guides.length);
  });

  test('has no broken link or anchor', async () => {
    expect(await brokenLinks({ path: pages, serverRoot: site })).toEqual([]);
  });

  test('shows every picture, or links to it', async () => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage();
      const shown: string[] = [];
      for (const name of pages.filter((path) => /^(?:index|documents\/.*)\.html$/.test(path))) {
        await page.goto(pathToFileURL(join(site, name)).href);
        const images = await page
          .locator('img')
          .evaluateAll((elements) =>
            (elements as HTMLImageElement[]).map(({ src, naturalWidth }) => ({ src, naturalWidth })),
          );
        for (const { src, naturalWidth } of images) {
          expect({ src, isShown: naturalWidth > 0 }).toEqual({ src, isShown: true });
          shown.push(src.slice(src.lastIndexOf('/') + 1));
        }
      }
      const linked = pages.flatMap((path) =>
        readFileSync(join(site, path), 'utf8').match(/[\w-]+\.png(?=")/g),
      );
      expect([...shown, ...linked]).toEqual(expect.arrayContaining(readdirSync(join(ROOT, 'docs/images'))));
    } finally {
      await browser.close();
    }
  });
});

describe('on a phone of 390 pixels', () => {
  test('no page is wider than the screen', async () => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage({ viewport: { width: 390, height: 844 }, isMobile: true });
      const widths: Record<string, number> = {};
      for (const name of pages) {
        await page.goto(pathToFileURL(join(site, name)).href);
        widths[name] = await page.evaluate(() => document.documentElement.scrollWidth);
      }
      expect(Object.keys(widths).length).toBeGreaterThan(10);
      expect(Object.entries(widths).filter(([, width]) => width > 390)).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});

describe('the search', () => {
  /** The addresses of what the site's own search shows first. */
  async function find(page: Page, text: string): Promise<string[]> {
    await page.locator('#tsd-search-trigger').click();
    await page.locator('#tsd-search-input').fill(text);
    const links = page.locator('#tsd-search-results a');
    await links.first().waitFor();
    return links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
  }

  test.each([
    ['ENTROPY_NO_BEST', 'documents/Questions_and_error_messages.html#entropy_no_best'],
    ['setparams', 'documents/Questions_and_error_messages.html#callbacksetparams-is-not-a-function'],
    ['maxToKeep', 'interfaces/API.EntropyCheckpointOptions.html#maxtokeep'],
    ['saveLast', 'documents/Resume.html'],
  ])('finds %s', async (text, address) => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(join(site, 'index.html')).href);
      const found = await find(page, text);
      expect(found).toEqual(expect.arrayContaining([expect.stringContaining(address)]));
      if (text.startsWith('ENTROPY_')) expect(found[0]).toContain(address);
    } finally {
      await browser.close();
    }
  });

  test('leads to every code and question', async () => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage();
      const anchors = readFileSync(join(site, 'documents/Questions_and_error_messages.html'), 'utf8');
      await page.goto(pathToFileURL(join(site, 'index.html')).href);
      const headings = [...readFileSync(join(ROOT, 'docs/faq.md'), 'utf8').matchAll(/^### (.+)$/gm)];
      expect(headings.length).toBeGreaterThan(30);
      for (const [, heading] of headings) {
        const hit = (await find(page, heading!)).find((address) => address.includes('error_messages.html#'));
        expect({ heading, anchor: hit?.split('#')[1] }).toEqual({
          heading,
          anchor: expect.any(String),
        });
        expect(anchors).toContain(`id="${hit!.split('#')[1]}"`);
        await page.keyboard.press('Escape');
      }
    } finally {
      await browser.close();
    }
  });
});

describe('accessibility', () => {
  const PAGES = [
    'index.html',
    'classes/API.EntropyCheckpointCallback.html',
    'interfaces/API.EntropyCheckpointOptions.html',
    'documents/Choosing_a_monitor.html',
  ];
  /** A screen reader reads an option of a search by its text. That it's a link as well is how typedoc opens it. */
  const isSearchOption = (violation: string): boolean =>
    violation.startsWith('nested-interactive\n<li id="tsd-search:');

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('passes the rules of axe-core in the %s theme at %i pixels', async (colorScheme, width) => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      for (const name of PAGES) {
        await page.goto(pathToFileURL(join(site, name)).href);
        await page.locator('#tsd-nav-container a').first().waitFor({ state: 'attached' });
        expect({ name, ...(await auditAccessibility(page)) }).toMatchObject({ name, violations: [] });
      }
      await page.locator('#tsd-search-trigger').click();
      await page.locator('#tsd-search-input').fill('ENTROPY_NO_BEST');
      await page.locator('#tsd-search-results a').first().waitFor();
      const { violations } = await auditAccessibility(page);
      expect(violations.filter((one) => !isSearchOption(one))).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  test('a keyboard is enough to reach everything, to open what is closed, and to search', async () => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      for (const name of PAGES) {
        await page.goto(pathToFileURL(join(site, name)).href);
        await page.locator('#tsd-nav-container a').first().waitFor({ state: 'attached' });
        expect({ name, unreachable: await unreachableByTab(page) }).toEqual({ name, unreachable: [] });
      }
      const group = page.locator('#tsd-nav-container summary', { hasText: 'Evidence' });
      const entry = page.locator('#tsd-nav-container a', { hasText: /^Costs$/ });
      expect(await entry.isVisible()).toBe(false);
      await group.focus();
      await page.keyboard.press('Enter');
      expect(await entry.isVisible()).toBe(true);
      await page.locator('#tsd-search-trigger').focus();
      await page.keyboard.press('Enter');
      await page.keyboard.type('ENTROPY_NO_BEST');
      await page.locator('#tsd-search-results a').first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL(/Questions_and_error_messages\.html#entropy_no_best$/);
    } finally {
      await browser.close();
    }
  });
});

describe('code', () => {
  test.each(['light', 'dark'] as const)('is highlighted in the %s theme', async (colorScheme) => {
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage({ colorScheme });
      await page.goto(pathToFileURL(join(site, 'index.html')).href);
      const colors = await page
        .locator('pre code.ts span')
        .evaluateAll((spans) =>
          Object.fromEntries(spans.map((span) => [span.textContent.trim(), getComputedStyle(span).color])),
        );
      const { import: keyword, "'val_acc'": string, '30': number, model: name } = colors;
      expect(new Set([keyword, string, number, name]).size).toBe(4);
    } finally {
      await browser.close();
    }
  });
});

describe('the live page of the site', () => {
  test('is linked from every page, and trains below a sub-path without anything from elsewhere', async () => {
    const server = await serveFolder(site, '/projects/docs/');
    const browser = await launchChromium('cpu');
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(TRAINING_TIMEOUT_MS);
      const failures: string[] = [];
      page.on('pageerror', ({ message }) => failures.push(message));
      page.on('response', (response) => {
        if (!response.ok()) failures.push(`${response.status()} for ${response.url()}`);
      });
      const elsewhere: string[] = [];
      page.on('request', (request) => {
        if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
          elsewhere.push(request.url());
      });
      for (const name of ['index.html', 'classes/API.EntropyCheckpointCallback.html']) {
        await page.goto(`${server.url}${name}`);
        await page.getByRole('link', { name: 'Try it without installing' }).click();
        await page.waitForURL(`${server.url}demo/index.html`);
      }
      await page.getByLabel('Epochs', { exact: true }).fill('2');
      await page.locator('#start:enabled').click();
      await page.locator('#progress-text', { hasText: /^Finished: 2 epochs/ }).waitFor();
      expect(await page.locator('#values tr').count()).toBe(2);
      expect([...failures, ...elsewhere]).toEqual([]);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});

describe('the Markdown pages in the repository', () => {
  const guides = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));

  test.each(guides)('docs/%s ends with what to read next', (name) => {
    const sections = readFileSync(join(ROOT, 'docs', name), 'utf8').split(/^## /m);
    const last = sections.at(-1)!;
    expect(last).toMatch(name === 'home.md' ? /^Where to go\n/ : /^Next\n\n- /);
    expect(last).toMatch(/\]\([\w./-]+\.md/);
    expect(last).not.toContain(`](${name}`);
  });

  test('have no broken link or anchor', async () => {
    const path = ['README.md', 'CONTRIBUTING.md', 'docs/*.md', 'study/*.md', 'benchmarks/README.md'];
    expect(await brokenLinks({ path, serverRoot: ROOT, markdown: true })).toEqual([]);
  });
});

test('every picture has at most 150 kB', () => {
  const folder = join(ROOT, 'docs/images');
  const sizes = readdirSync(folder).map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
  expect(sizes.length).toBeGreaterThan(5);
  expect(sizes.filter(({ bytes }) => bytes > 150_000)).toEqual([]);
});

test('the page on options has a section for each option', () => {
  const page = readFileSync(join(ROOT, 'docs/options.md'), 'utf8');
  const sections = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);
  const source = readFileSync(join(ROOT, 'src/options.ts'), 'utf8');
  const [, fields] = /export interface EntropyCheckpointOptions \{([^]*?)\n\}/.exec(source)!;
  const options = [...fields!.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name!);
  expect(options.length).toBeGreaterThan(10);
  expect(sections.sort()).toEqual(options.sort());
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';
import { compareReports } from '../../src/report/compare-reports.js';
import { report } from '../../src/report/report.js';
import { auditAccessibility } from '../support/accessibility.js';
import { fakeTraining } from '../support/fake-training.js';

const ENTROPIES = [0.41, 0.44, 0.52, 0.6, 0.61, 0.57, 0.5, 0.44];
const KEPT = 4;
const INELIGIBLE = 3;

let browser: Browser;
let html: string;

beforeAll(async () => {
  const epochs = ENTROPIES.map((value, i) => ({
    value,
    valEntropy: value - 0.05,
    logs: { loss: 2 - i / 5, val_loss: 2 + i / 20, acc: i / 10, val_acc: i / 15 },
  }));
  html = await report(fakeTraining(epochs, { startFromEpoch: INELIGIBLE }));
  browser = await launchChromium('cpu');
});

afterAll(async () => {
  await browser.close();
});

/** Opens the report. `requests` are the URLs that the page requests. */
async function open(
  width: number,
  colorScheme: 'light' | 'dark' = 'light',
  content = html,
): Promise<{ page: Page; requests: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.setContent(content, { waitUntil: 'networkidle' });
  return { page, requests };
}

/** The horizontal centre of the first label with this text in the first plot. */
function centerOf(page: Page, text: string): Promise<number> {
  return page
    .locator('.chart svg')
    .first()
    .locator('text', { hasText: new RegExp(`^${text}$`) })
    .first()
    .evaluate((element) => {
      const { left, right } = element.getBoundingClientRect();
      return (left + right) / 2;
    });
}

describe('the report in a browser', () => {
  it.each(['light', 'dark'] as const)('passes the audit of axe in the %s scheme', async (colorScheme) => {
    const { page } = await open(900, colorScheme);
    const { violations, passed } = await auditAccessibility(page);
    expect(violations).toEqual([]);
    expect(passed).toContain('color-contrast');
    await page.close();
  });

  it.each(['light', 'dark'] as const)('passes it as a comparison in the %s scheme', async (colorScheme) => {
    const epochs = ENTROPIES.map((value) => ({ value, isAveraged: true as const, logs: { val_acc: value } }));
    const { history } = fakeTraining(epochs).selector;
    // Every colour of a curve.
    const trainings = Array.from({ length: 8 }, () => ({ history }));
    const { page } = await open(390, colorScheme, await compareReports(trainings));
    const { violations, passed } = await auditAccessibility(page);
    expect(violations).toEqual([]);
    expect(passed).toContain('color-contrast');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.close();
  });

  it('makes no requests', async () => {
    const { page, requests } = await open(900);
    expect(requests).toEqual([]);
    await page.close();
  });

  it('marks the position of the kept epoch', async () => {
    const { page } = await open(900);
    expect(await centerOf(page, 'kept')).toBeCloseTo(await centerOf(page, String(KEPT)), 0);
    await page.close();
  });

  it('shades the epochs before the first one that could be selected', async () => {
    const { page } = await open(900);
    const [left, right] = await page
      .locator('.chart svg')
      .first()
      .locator('[fill="var(--faint)"]')
      .first()
      .evaluate((area) => {
        const box = area.getBoundingClientRect();
        return [box.left, box.right] as const;
      });
    expect(left).toBeCloseTo(await centerOf(page, '0'), 0);
    expect(right).toBeGreaterThan(await centerOf(page, String(INELIGIBLE - 1)));
    expect(right).toBeLessThan(await centerOf(page, String(INELIGIBLE)));
    await page.close();
  });

  it.each([320, 390, 1000])('fits a screen of %i pixels: only its table scrolls sideways', async (width) => {
    const { page } = await open(width);
    const [pageWidth, ...charts] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      ...[...document.querySelectorAll('.chart')].map(({ scrollWidth }) => scrollWidth),
    ]);
    expect(pageWidth).toBeLessThanOrEqual(width);
    expect(charts).toHaveLength(3);
    for (const chart of charts) expect(chart).toBeLessThan(width);
    await page.close();
  });

  it('shows the state of an epoch on a phone, without scrolling', async () => {
    const { page } = await open(390);
    const right = await page
      .locator('tr.best td')
      .first()
      .evaluate((cell) => cell.getBoundingClientRect().right);
    expect(right).toBeLessThan(390);
    await page.close();
  });

  it.each([
    [390, 0],
    [390, ENTROPIES.length - 1],
    [1000, 0],
    [1000, 4],
  ])('has no label over another on %i pixels with epoch %i kept', async (width, peak) => {
    const values = ENTROPIES.map((_, i) => 0.7 - Math.abs(i - peak) / 20);
    const { page } = await open(
      width,
      'light',
      await report(fakeTraining(values.map((value) => ({ value })))),
    );
    const boxes = await page.locator('.chart svg:visible text').evaluateAll((labels) =>
      labels.map((label) => {
        const { left, right, top, bottom } = label.getBoundingClientRect();
        return { text: label.textContent, left, right, top, bottom };
      }),
    );
    const overlaps = boxes.flatMap((a, i) =>
      boxes
        .slice(i + 1)
        .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        .map((b) => `${a.text} over ${b.text}`),
    );
    expect(boxes.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['kept', 'the largest possible: 2/e']),
    );
    expect(overlaps).toEqual([]);
    await page.close();
  });

  it.each([390, 1000])('cuts no label of tiny and huge values on %i pixels', async (width) => {
    const epochs = ENTROPIES.map((value) => ({
      value,
      logs: { learning_rate: value / 1000, tiny: value / 1e7, huge: value * 1.3e6, negative: -value / 1000 },
    }));
    const { page } = await open(width, 'light', await report(fakeTraining(epochs)));
    const labels = await page.locator('.chart svg:visible').evaluateAll((charts) =>
      charts.flatMap((chart) =>
        [...chart.querySelectorAll('text')].map((label) => ({
          text: label.textContent,
          isCut: label.getBoundingClientRect().left < chart.getBoundingClientRect().left,
        })),
      ),
    );
    expect(labels.map(({ text }) => text)).toEqual(expect.arrayContaining(['4.5e-4', '6e-8']));
    expect(labels.filter(({ isCut }) => isCut)).toEqual([]);
    await page.close();
  });

  it('wraps the long name of a compared training, so that a phone shows what it kept', async () => {
    const { history } = fakeTraining(
      ENTROPIES.map((value) => ({ value, logs: { val_acc: value } })),
    ).selector;
    const name =
      'A run with a name of many words, in checkpoints/seeds/2026/noise-40/run-with-averaged-weights';
    const { page } = await open(390, 'light', await compareReports([{ name, history }]));
    const right = await page
      .locator('tbody td')
      .nth(1)
      .evaluate((cell) => cell.getBoundingClientRect().right);
    expect(right).toBeLessThan(390);
    await page.close();
  });

  it('opens the numbers of a chart with the keyboard', async () => {
    const { page } = await open(900);
    const numbers = page.locator('details p').first();
    expect(await numbers.isVisible()).toBe(false);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await numbers.isVisible()).toBe(true);
    await page.close();
  });

  it('has brighter curves in the dark scheme, and those of the light scheme in print', async () => {
    const { page } = await open(900, 'dark');
    const strokeOf = (): Promise<string> =>
      page
        .locator('svg path[stroke="var(--third)"]')
        .first()
        .evaluate((curve) => getComputedStyle(curve).stroke);
    const paperOf = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await strokeOf()).toBe('rgb(229, 204, 255)');
    await page.emulateMedia({ media: 'print' });
    expect(await strokeOf()).toBe('rgb(124, 58, 237)');
    expect(await paperOf()).toBe('rgb(255, 255, 255)');
    await page.close();
  });
});

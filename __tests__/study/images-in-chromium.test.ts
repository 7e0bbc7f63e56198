import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../backends/launch-chromium.js';

const FOLDER = resolve(import.meta.dirname, '../../docs/images');

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium('cpu');
});

afterAll(async () => {
  await browser.close();
});

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.svg')))(
  '%s is parsed as SVG by a browser, and contains text',
  async (name) => {
    const page = await browser.newPage();
    const texts = await page.evaluate(
      (svg) => {
        const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
        const error = parsed.querySelector('parsererror');
        if (error !== null) throw new Error(error.textContent);
        return [...parsed.querySelectorAll('text')].map(({ textContent }) => textContent);
      },
      readFileSync(join(FOLDER, name), 'utf8'),
    );
    expect(texts.length).toBeGreaterThan(5);
    await page.close();
  },
);

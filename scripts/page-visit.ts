import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';

/** What a first visit to a page costs. */
export interface Visit {
  /** Of all responses, as a server that compresses texts sends them. */
  readonly bytes: number;
  readonly requests: number;
  /** The sum of all layout shifts that no input caused. */
  readonly shift: number;
  /** What was shifted. */
  readonly shifted: readonly string[];
  /** From the start of the visit; null where the browser doesn't say. */
  readonly largestPaintMs: number | null;
}

interface VisitOptions {
  readonly width: number;
  /** What the visitor does after the page has loaded. */
  readonly act?: (page: Page) => Promise<unknown>;
}

/** Visits a page with an empty cache. */
export async function visit(browser: Browser, url: string, { width, act }: VisitOptions): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width, height: width < 600 ? 844 : 800 } });
  const urls: string[] = [];
  context.on('request', (request) => {
    if (/^https?:/.test(request.url())) urls.push(request.url());
  });
  try {
    await context.addInitScript(observe);
    const page = await context.newPage();
    await page.goto(url, { waitUntil: 'networkidle' });
    await act?.(page);
    const measured = await page.evaluate(async () => {
      // What happened last is reported with the next frame.
      for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
      return globalThis.visitMeasures!;
    });
    const sizes = await Promise.all(urls.map(sizeOf));
    return { ...measured, requests: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  } finally {
    await context.close();
  }
}

/** What servers send as it is. */
const COMPRESSED = /\.(png|bin|gz|woff2)$/;

/** Asks again: a browser doesn't keep what a page has read as a stream. */
async function sizeOf(url: string): Promise<number> {
  const body = new Uint8Array(await (await fetch(url)).arrayBuffer());
  return COMPRESSED.test(new URL(url).pathname) ? body.length : gzipSync(body).length;
}

declare global {
  var visitMeasures: { shift: number; shifted: string[]; largestPaintMs: number | null } | undefined;
}

interface LayoutShift extends PerformanceEntry {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly { readonly node: Node | null }[];
}

/** Runs in the page, before its own scripts. */
function observe(): void {
  const measures = { shift: 0, shifted: [] as string[], largestPaintMs: null as number | null };
  globalThis.visitMeasures = measures;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries() as LayoutShift[]) {
      if (hadRecentInput) continue;
      measures.shift += value;
      for (const { node } of sources) {
        const element = node instanceof Element ? node : node?.parentElement;
        measures.shifted.push(`${element?.tagName.toLowerCase() ?? '?'}#${element?.id ?? ''}`);
      }
    }
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) measures.largestPaintMs = startTime;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
}

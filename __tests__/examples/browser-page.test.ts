import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Download, Page } from 'playwright-core';
import { auditAccessibility } from '../support/accessibility.js';
import { startDemoBrowser, type DemoBrowser } from './fixtures/demo-browser.js';

/** From opening the page to the best epoch restored, on software rendering. */
const MAX_WALKTHROUGH_MS = 120_000;

let demo: DemoBrowser;

beforeAll(async () => {
  demo = await startDemoBrowser();
}, 180_000);

afterAll(async () => {
  await demo.close();
});

afterEach(async () => {
  await demo.closeTabs();
  expect(demo.takeErrors()).toEqual([]);
});

interface Setup {
  epochs?: number;
  backend?: 'webgl' | 'wasm' | 'cpu';
  seed?: number;
  startFromEpoch?: number;
}

/** With the small preset, which is the page's own choice. */
async function start(page: Page, { epochs, backend, seed, startFromEpoch }: Setup): Promise<void> {
  if (epochs !== undefined) await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  if (backend !== undefined) await page.getByLabel('Backend').selectOption(backend);
  if (seed !== undefined) await page.getByLabel('Seed').fill(String(seed));
  if (startFromEpoch !== undefined) await page.getByLabel('First eligible').fill(String(startFromEpoch));
  await page.getByRole('button', { name: 'Start' }).click();
}

const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const textOf = async (page: Page, id: string) => (await page.locator(`#${id}`).textContent()) ?? '';

async function waitForText(page: Page, id: string, pattern: RegExp): Promise<string> {
  const target = page.locator(`#${id}`, { hasText: pattern });
  try {
    await target.waitFor({ timeout: MAX_WALKTHROUGH_MS });
  } catch (cause) {
    const texts = ['progress-text', 'message', 'problem', 'stored-text'].map(
      async (name) => `${name}: ${await textOf(page, name)}`,
    );
    throw new Error(`Expected #${id} to match ${pattern.source}. ${(await Promise.all(texts)).join(' | ')}`, {
      cause,
    });
  }
  return (await target.textContent()) ?? '';
}

const finished = (page: Page) => waitForText(page, 'progress-text', /^Finished/);

/** The rows of the table: epoch, three entropies, two accuracies, state. */
async function valuesOf(page: Page): Promise<string[][]> {
  const rows = await page.locator('#values tr').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
}

async function keptRow(page: Page): Promise<string[]> {
  const kept = (await valuesOf(page)).filter((row) => row.at(-1) === 'kept');
  expect(kept).toHaveLength(1);
  return kept[0]!;
}

/** Whether some pixel of a chart has the colour in which the kept epoch is drawn. */
function isKeptDrawn(page: Page, chart: string): Promise<boolean> {
  return page.locator(`#${chart} canvas`).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] === 0xc0 && data[at + 1] === 0x28 && data[at + 2] === 0x1e && data[at + 3] === 255)
        return true;
    }
    return false;
  });
}

async function expectRestored(page: Page): Promise<void> {
  const [epoch, , , , , cleanAccuracy] = await keptRow(page);
  await click(page, 'Restore the best');
  await expect(waitForText(page, 'message', /./)).resolves.toBe(
    `Epoch ${epoch} is back in the network: ${cleanAccuracy} of the clean test digits are right, and every ` +
      'prediction is, bit for bit, what it was when that epoch ended.',
  );
}

describe('a training', () => {
  test('as the page proposes it: trained, the kept epoch marked, and restored in less than two minutes', async () => {
    const begun = Date.now();
    const { context, open } = await demo.visit();
    const urls: string[] = [];
    context.on('request', (request) => urls.push(request.url()));
    const page = await open();
    expect(await page.getByLabel('Backend').locator('option').allTextContents()).toEqual([
      'webgl',
      'wasm',
      'cpu',
    ]);

    await start(page, {});
    await finished(page);
    await expectRestored(page);
    expect(Date.now() - begun).toBeLessThan(MAX_WALKTHROUGH_MS);

    const values = await valuesOf(page);
    const kept = await keptRow(page);
    const highest = values.reduce((best, row) => (Number(row[1]) > Number(best[1]) ? row : best));
    expect(kept).toEqual(highest);
    expect(kept).not.toBe(values.at(-1));
    expect(await textOf(page, 'kept-epoch')).toBe(`Epoch ${kept[0]}`);
    expect(await textOf(page, 'last-epoch')).toBe(`Epoch ${values.length - 1}`);
    expect(await page.locator('[aria-live] >> text=The checkpoint keeps epoch').textContent()).toBe(
      `The checkpoint keeps epoch ${kept[0]}: the highest entropy so far.`,
    );
    expect(await textOf(page, 'explanation')).toContain(`Epoch ${kept[0]} was kept`);
    expect(await isKeptDrawn(page, 'entropy-chart')).toBe(true);
    expect(await isKeptDrawn(page, 'accuracy-chart')).toBe(true);
    expect(urls.filter((url) => !url.startsWith(demo.url) && !url.startsWith('data:'))).toEqual([]);
    expect(urls.filter((url) => url.endsWith('.wasm'))).toHaveLength(1);
  }, 150_000);

  test.each(['webgl', 'cpu'] as const)(
    'on %s',
    async (backend) => {
      const { open } = await demo.visit();
      const page = await open();
      await start(page, { epochs: 2, backend });
      await finished(page);
      await expectRestored(page);
    },
    120_000,
  );

  test('shows wrong labels that the last epoch repeats and the kept one does not, and the digits they belong to', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 8 });
    await finished(page);
    const items = await page.locator('#memorised li p').allTextContents();
    expect(items.length).toBeGreaterThan(3);
    const memorised = items.map((item) => /^label (\d)last (\d) ✗, wrongkept (\d)/.exec(item));
    for (const item of memorised) {
      expect(item?.[2]).toBe(item?.[1]);
      expect(item?.[3]).not.toBe(item?.[1]);
    }
    const digits = await page.locator('#memorised canvas').evaluateAll((found) =>
      found.map((canvas) => ({
        label: canvas.getAttribute('aria-label'),
        ink: (canvas as HTMLCanvasElement)
          .getContext('2d')!
          .getImageData(0, 0, 28, 28)
          .data.some((value, at) => at % 4 === 0 && value > 128),
      })),
    );
    digits.forEach(({ label, ink }, index) => {
      expect(label).toMatch(/^A handwritten \d$/);
      expect(label?.at(-1)).not.toBe(memorised[index]?.[1]);
      expect(ink).toBe(true);
    });
  }, 120_000);

  test('is paused, goes on, is stopped, and can be gone on with from the last whole epoch', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 100 });
    await page.locator('#values tr').nth(1).waitFor({ state: 'attached' });
    await click(page, 'Pause');
    expect(await textOf(page, 'message')).toBe('Paused.');
    // The batch that was running ends.
    await page.waitForTimeout(500);
    const paused = await page.locator('#progress').evaluate((bar: HTMLProgressElement) => bar.value);
    await page.waitForTimeout(1000);
    expect(await page.locator('#progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(paused);

    await click(page, 'Go on');
    await page.waitForFunction((value) => document.querySelector('progress')!.value > value + 1, paused);
    await click(page, 'Stop');
    await waitForText(page, 'progress-text', /^Stopped/);
    const whole = (await valuesOf(page)).filter((row) => row.at(-1) !== 'not compared');
    expect(await waitForText(page, 'stored-run-text', /./)).toContain(`${whole.length} of 100 epochs done`);
    await expectRestored(page);
  }, 120_000);
});

describe('a page that is reloaded or closed', () => {
  const epochs = 6;
  let uninterrupted: string[][];

  beforeAll(async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs });
    await finished(page);
    uninterrupted = await valuesOf(page);
  }, 120_000);

  /** Some epochs, then paused: storing lags behind by as much as it takes. */
  async function trainUntilStored(page: Page): Promise<void> {
    await page.locator('#values tr').nth(1).waitFor({ state: 'attached' });
    await click(page, 'Pause');
    await waitForText(page, 'stored-text', /stored/);
  }

  async function expectToGoOn(page: Page): Promise<void> {
    const text = await waitForText(page, 'stored-run-text', /./);
    const [, done] = /(\d) of 6 epochs done/.exec(text) ?? [];
    // What is stored may lag behind what was trained.
    expect(Number(done)).toBeGreaterThanOrEqual(1);
    expect(Number(done)).toBeLessThan(epochs);
    await click(page, 'Continue after reload');
    await finished(page);
    expect(await valuesOf(page)).toEqual(uninterrupted);
    await expectRestored(page);
  }

  test('in the midst of a training goes on with it, to the values of one that was not interrupted', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs });
    await trainUntilStored(page);
    await click(page, 'Go on');
    await page.reload();
    await expectToGoOn(page);
  }, 120_000);

  test('in the middle of a save goes on from the one before it', async () => {
    const { context, open } = await demo.visit();
    await context.addInitScript(holdSaves);
    const first = await open();
    await start(first, { epochs });
    await trainUntilStored(first);
    await first.evaluate(() => {
      globalThis.saves = 'held';
    });
    await click(first, 'Go on');
    await first.waitForFunction(() => globalThis.saves === 'under way');
    await first.close();
    await expectToGoOn(await open());
  }, 120_000);

  test('after the end shows the training again, and restores its best', async () => {
    const { open } = await demo.visit();
    const first = await open();
    await start(first, { epochs });
    await finished(first);
    await first.close();
    const page = await open();
    expect(await textOf(page, 'stored-run-text')).toContain('a finished training');
    await click(page, 'Open it');
    await finished(page);
    expect(await valuesOf(page)).toEqual(uninterrupted);
    await expectRestored(page);
  }, 120_000);
});

declare global {
  var saves: 'held' | 'under way' | undefined;
}

/** Once `saves` is 'held', the transaction of the next save is written to and never committed. */
function holdSaves(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key: IDBValidKey) {
    const request = put.call(this, value, key);
    if (globalThis.saves === undefined || this.name !== 'manifests') return request;
    globalThis.saves = 'under way';
    const keepOpen = () => {
      this.get(key).onsuccess = keepOpen;
    };
    keepOpen();
    return request;
  };
}

function failPutsAbove(maxBytes: number): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key: IDBValidKey) {
    if (value instanceof ArrayBuffer && value.byteLength <= maxBytes) return put.call(this, value, key);
    throw new DOMException('There is no room.', 'QuotaExceededError');
  };
}

describe('storage that is full', () => {
  test('is told, training goes on, and both the best of it and what was stored before can be restored', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 2, seed: 2 });
    await finished(page);
    const stored = await valuesOf(page);

    // The byte that a training tries beforehand.
    await page.evaluate(failPutsAbove, 1);
    await start(page, { epochs: 4, seed: 1 });
    expect(await waitForText(page, 'problem', /./)).toMatch(/^There is no room left .* Training goes on/);
    await finished(page);
    expect(await valuesOf(page)).toHaveLength(4);
    expect(await textOf(page, 'problem')).toMatch(/^There is no room left/);
    await expectRestored(page);

    await page.reload();
    await page.waitForSelector('#start:enabled');
    expect(await textOf(page, 'stored-run-text')).toContain('a finished training');
    await click(page, 'Open it');
    await finished(page);
    expect(await page.getByLabel('Seed').inputValue()).toBe('2');
    expect(await valuesOf(page)).toEqual(stored);
    await expectRestored(page);

    await page.evaluate(failPutsAbove, 0);
    await start(page, { seed: 3 });
    expect(await waitForText(page, 'problem', /./)).toMatch(/^There is no room left .* try again/);
    expect(await valuesOf(page)).toEqual([]);
    expect(await waitForText(page, 'stored-run-text', /./)).toContain('a finished training');
  }, 120_000);

  test('of another tab that trains is left alone', async () => {
    const { open } = await demo.visit();
    const [first, second] = [await open(), await open()];
    await start(first, { epochs: 100 });
    await first.locator('#values tr').first().waitFor({ state: 'attached' });
    await start(second, { epochs: 2 });
    expect(await waitForText(second, 'problem', /./)).toMatch(/^Another tab is training/);
    expect(await second.getByRole('button', { name: 'Start' }).isEnabled()).toBe(true);
  }, 120_000);
});

interface ModelJson {
  modelTopology: object;
  weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
}

interface NamedFile {
  name: string;
  content: Buffer;
}

/** The next downloads, in the order in which they begin. */
function filesOf(page: Page, count: number): Promise<NamedFile[]> {
  const files: Promise<NamedFile>[] = [];
  const read = async (file: Download): Promise<NamedFile> => ({
    name: file.suggestedFilename(),
    content: await readFile(await file.path()),
  });
  return new Promise((resolve, reject) => {
    page.on('download', (file) => {
      files.push(read(file));
      if (files.length === count) Promise.all(files).then(resolve, reject);
    });
  });
}

describe('what is downloaded', () => {
  test('is the kept model as tfjs reads it, and the report as a page of its own', async () => {
    const { open } = await demo.visit({ acceptDownloads: true });
    const page = await open();
    await start(page, { epochs: 3 });
    await finished(page);

    const files = filesOf(page, 3);
    await click(page, 'Download the model');
    await waitForText(page, 'message', /two files/);
    await click(page, 'Download the report');
    await waitForText(page, 'message', /report/);
    const [json, weights, report] = await files;

    const [epoch] = await keptRow(page);
    expect(json?.name).toBe(`noisy-mnist-epoch-${epoch}.json`);
    const { modelTopology, weightsManifest } = JSON.parse(json!.content.toString('utf8')) as ModelJson;
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology,
        weightSpecs: weightsManifest.flatMap((group) => group.weights),
        weightData: new Uint8Array(weights!.content).buffer,
      }),
    );
    expect(model.inputs[0]?.shape).toEqual([null, 784]);
    expect(model.getWeights().map(({ shape }) => shape)).toEqual([
      [784, 128],
      [128],
      [128, 64],
      [64],
      [64, 10],
      [10],
    ]);
    model.dispose();
    expect(report?.name).toBe('entropy-checkpoint-report.html');
    expect(report?.content.toString('utf8')).toMatch(
      new RegExp(`^<!doctype html>.*Epoch ${epoch} was kept.*<svg.*</html>`, 's'),
    );
  }, 120_000);
});

describe('those who do not use a mouse, or see little', () => {
  test.each(['light', 'dark'] as const)(
    'find nothing that axe-core objects to, in the %s theme',
    async (colorScheme) => {
      const { open } = await demo.visit({ colorScheme });
      const page = await open();
      expect((await auditAccessibility(page)).violations).toEqual([]);
      await start(page, { epochs: 4 });
      await finished(page);
      await click(page, 'Restore the best');
      await page.locator('summary').click();
      await page.reload();
      await page.waitForSelector('#start:enabled');
      await click(page, 'Open it');
      await finished(page);
      expect(await page.locator('#memorised li').count()).toBeGreaterThan(0);
      expect((await auditAccessibility(page)).violations).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect((await auditAccessibility(page)).violations).toEqual([]);
    },
    120_000,
  );

  test('train and restore by keyboard alone, and the focus is never lost', async () => {
    const { open } = await demo.visit();
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await page.getByLabel('Epochs', { exact: true }).fill('3');
    while ((await focused()) !== 'start') await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#pause:enabled');
    expect(await focused()).toBe('pause');
    await finished(page);
    expect(await focused()).toBe('restore');
    await page.keyboard.press('Enter');
    await waitForText(page, 'message', /is back in the network/);
  }, 120_000);

  test('on a phone need not scroll sideways, also with an epoch to choose from that is not the first', async () => {
    const { open } = await demo.visit({ viewport: { width: 390, height: 844 } });
    const page = await open();
    await start(page, { epochs: 3, startFromEpoch: 2 });
    await finished(page);
    expect(await textOf(page, 'kept-epoch')).toBe('Epoch 2');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
  }, 120_000);
});

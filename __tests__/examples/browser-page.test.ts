import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Download, Page } from 'playwright-core';
import { auditAccessibility } from '../support/accessibility.js';
import { startDemoBrowser, type DemoBrowser } from './fixtures/demo-browser.js';

/** For a whole training on a slow, shared machine with software rendering. */
const WAIT_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 300_000;

jest.setTimeout(TEST_TIMEOUT_MS);

let demo: DemoBrowser;

beforeAll(async () => {
  demo = await startDemoBrowser();
});

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
  monitor?: 'consensus' | 'val_acc';
  averageWeights?: boolean;
}

/** Starts a training with the small preset, which is the page's default. */
async function start(page: Page, setup: Setup): Promise<void> {
  const { epochs, backend, seed, startFromEpoch, monitor, averageWeights = false } = setup;
  if (monitor !== undefined) await page.getByLabel('Keep the epoch with the').selectOption(monitor);
  await page.getByLabel('Average the weights').setChecked(averageWeights);
  if (epochs !== undefined) await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  if (backend !== undefined) await page.getByLabel('Backend').selectOption(backend);
  if (seed !== undefined) await page.getByLabel('Seed').fill(String(seed));
  if (startFromEpoch !== undefined)
    await page.getByLabel('First eligible epoch').fill(String(startFromEpoch));
  await page.getByRole('button', { name: 'Start' }).click();
}

const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const textOf = async (page: Page, id: string) => (await page.locator(`#${id}`).textContent()) ?? '';

async function waitForText(page: Page, id: string, pattern: RegExp): Promise<string> {
  const target = page.locator(`#${id}`, { hasText: pattern });
  try {
    await target.waitFor({ timeout: WAIT_TIMEOUT_MS });
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

/**
 * Pauses the training at the end of each of these epochs. The page itself presses Pause when the epoch's row appears,
 * so that the training cannot continue before the test notices the row.
 */
function pauseAfter(page: Page, ...epochs: number[]): Promise<void> {
  return page.evaluate((pausedEpochs) => {
    new MutationObserver(([change]) => {
      const rows = change!.target as HTMLElement;
      if (!pausedEpochs.includes(rows.children.length - 1)) return;
      const button = document.querySelector<HTMLButtonElement>('#pause:enabled');
      if (button?.textContent === 'Pause') button.click();
    }).observe(document.querySelector('#values')!, { childList: true });
  }, epochs);
}

const paused = (page: Page) => waitForText(page, 'message', /^Paused/);

const progressOf = (page: Page) =>
  page.locator('#progress').evaluate((bar: HTMLProgressElement) => bar.value);

/** Long enough for a training that is not paused to end several batches. */
const framesDrawn = (page: Page, count: number) =>
  page.evaluate(async (numFrames) => {
    for (let i = 0; i < numFrames; i++) await new Promise(requestAnimationFrame);
  }, count);

/** The rows of the values table: epoch, three entropies, two accuracies, state. */
async function valuesOf(page: Page): Promise<string[][]> {
  const rows = await page.locator('#values tr').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
}

async function keptRow(page: Page): Promise<string[]> {
  const kept = (await valuesOf(page)).filter((row) => row.at(-1) === 'kept');
  expect(kept).toHaveLength(1);
  return kept[0]!;
}

/** Whether a pixel of a chart has the colour of the kept epoch's line. */
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
    `Epoch ${epoch} is restored: ${cleanAccuracy} of the clean test digits are right. ` +
      'Every prediction equals the one at the end of that epoch, bit for bit.',
  );
}

describe('a training', () => {
  test('with the default settings marks the kept epoch, restores it, and fetches nothing from elsewhere', async () => {
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
  });

  test.each(['webgl', 'cpu'] as const)('restores the kept epoch on %s', async (backend) => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 2, backend });
    await finished(page);
    await expectRestored(page);
  });

  test('shows the digits whose wrong label the last epoch repeats and the kept epoch does not', async () => {
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
  });

  test('can be paused, resumed, stopped, and continued from its last complete epoch', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 200 });
    await page.locator('#values tr').nth(1).waitFor({ state: 'attached' });
    await click(page, 'Pause');
    await paused(page);
    const pausedAt = await progressOf(page);
    await framesDrawn(page, 30);
    expect(await progressOf(page)).toBe(pausedAt);

    await click(page, 'Resume');
    await page.waitForFunction((value) => document.querySelector('progress')!.value > value + 1, pausedAt);
    await click(page, 'Stop');
    await waitForText(page, 'progress-text', /^Stopped/);
    const complete = (await valuesOf(page)).filter((row) => row.at(-1) !== 'not compared');
    expect(await waitForText(page, 'stored-run-text', /./)).toContain(
      `${complete.length} of 200 epochs done`,
    );
    await expectRestored(page);
  });
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
  });

  /** Trains some epochs. Pauses before the end once more, in case the test is slow after it has resumed. */
  async function trainUntilStored(page: Page, setup: Setup = {}): Promise<void> {
    await pauseAfter(page, 1, epochs - 2);
    await start(page, { epochs, ...setup });
    await paused(page);
    await waitForText(page, 'stored-text', /stored/);
  }

  async function expectContinued(page: Page, expected: string[][] = uninterrupted): Promise<void> {
    const text = await waitForText(page, 'stored-run-text', /./);
    const [, done] = /(\d) of 6 epochs done/.exec(text) ?? [];
    // What is stored may lag behind what was trained.
    expect(Number(done)).toBeGreaterThanOrEqual(1);
    expect(Number(done)).toBeLessThan(epochs);
    await click(page, 'Continue training');
    await finished(page);
    expect(await valuesOf(page)).toEqual(expected);
    await expectRestored(page);
  }

  test('during training continues with the values of an uninterrupted training', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await trainUntilStored(page);
    await click(page, 'Resume');
    await page.reload();
    await expectContinued(page);
  });

  test('with averaged weights keeps the average, and continues with the same values', async () => {
    const setup: Setup = { epochs, monitor: 'val_acc', averageWeights: true };
    const first = await (await demo.visit()).open();
    await start(first, setup);
    await finished(first);
    const values = await valuesOf(first);
    expect(values.map((row) => row[2])).toEqual(uninterrupted.map((row) => row[2]));
    expect(values.map((row) => row[3])).not.toEqual(uninterrupted.map((row) => row[3]));
    const kept = await keptRow(first);
    const highest = values.reduce((best, row) =>
      Number.parseFloat(row[4]!) > Number.parseFloat(best[4]!) ? row : best,
    );
    expect(kept).toEqual(highest);
    expect(await textOf(first, 'kept-text')).toContain(
      `keeps the average of the weights at epoch ${kept[0]}`,
    );
    await expectRestored(first);

    const second = await (await demo.visit()).open();
    await trainUntilStored(second, setup);
    await click(second, 'Resume');
    await second.reload();
    await expectContinued(second, values);
  });

  test('during a save continues from the save before it', async () => {
    const { context, open } = await demo.visit();
    await context.addInitScript(holdSaves);
    const first = await open();
    await trainUntilStored(first);
    await first.evaluate(() => {
      globalThis.saves = 'held';
    });
    await click(first, 'Resume');
    await first.waitForFunction(() => globalThis.saves === 'under way');
    await first.close();
    await expectContinued(await open());
  });

  test('after training shows the training again, and restores its best epoch', async () => {
    const { open } = await demo.visit();
    const first = await open();
    await start(first, { epochs });
    await finished(first);
    await first.close();
    const page = await open();
    expect(await textOf(page, 'stored-run-text')).toContain('a finished training');
    await click(page, 'Open training');
    await finished(page);
    expect(await valuesOf(page)).toEqual(uninterrupted);
    await expectRestored(page);
  });
});

declare global {
  var saves: 'held' | 'under way' | undefined;
}

/** Once `saves` is 'held', the next save writes to its transaction, which is never committed. */
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

describe('a full storage', () => {
  test('shows a message, and both the best epoch and the earlier training can be restored', async () => {
    const { open } = await demo.visit();
    const page = await open();
    await start(page, { epochs: 2, seed: 2 });
    await finished(page);
    const stored = await valuesOf(page);

    // A training first tries to write one byte.
    await page.evaluate(failPutsAbove, 1);
    await start(page, { epochs: 4, seed: 1 });
    expect(await waitForText(page, 'problem', /./)).toMatch(
      /^This browser has no room left .* Training continues/,
    );
    await finished(page);
    expect(await valuesOf(page)).toHaveLength(4);
    expect(await textOf(page, 'problem')).toMatch(/^This browser has no room left/);
    await expectRestored(page);

    await page.reload();
    await page.waitForSelector('#start:enabled');
    expect(await textOf(page, 'stored-run-text')).toContain('a finished training');
    await click(page, 'Open training');
    await finished(page);
    expect(await page.getByLabel('Seed').inputValue()).toBe('2');
    expect(await valuesOf(page)).toEqual(stored);
    await expectRestored(page);

    await page.evaluate(failPutsAbove, 0);
    await start(page, { seed: 3 });
    expect(await waitForText(page, 'problem', /./)).toMatch(/^This browser has no room left .* try again/);
    expect(await valuesOf(page)).toEqual([]);
    expect(await waitForText(page, 'stored-run-text', /./)).toContain('a finished training');
  });
});

test('a training in another tab is left alone', async () => {
  const { open } = await demo.visit();
  const [first, second] = [await open(), await open()];
  await pauseAfter(first, 0);
  await start(first, { epochs: 2 });
  await paused(first);
  await start(second, { epochs: 2 });
  expect(await waitForText(second, 'problem', /./)).toMatch(/^This page is training in another tab/);
  expect(await second.getByRole('button', { name: 'Start' }).isEnabled()).toBe(true);
  await click(first, 'Resume');
  await finished(first);
});

interface ModelJson {
  modelTopology: object;
  weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
}

interface NamedFile {
  name: string;
  content: Buffer;
}

/** Resolves to the next downloads, in the order in which they begin. */
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

describe('the downloads', () => {
  test('are the kept model, which tfjs reads, and the report as an HTML page', async () => {
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
  });
});

describe('accessibility', () => {
  test.each(['light', 'dark'] as const)(
    'passes the rules of axe-core in the %s theme',
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
      await click(page, 'Open training');
      await finished(page);
      expect(await page.locator('#memorised li').count()).toBeGreaterThan(0);
      expect((await auditAccessibility(page)).violations).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect((await auditAccessibility(page)).violations).toEqual([]);
    },
  );

  test('a keyboard is enough to train and restore, and the focus is never lost', async () => {
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
    await waitForText(page, 'message', /is restored/);
  });

  test('a phone does not scroll sideways, also with a later first eligible epoch', async () => {
    const { open } = await demo.visit({ viewport: { width: 390, height: 844 } });
    const page = await open();
    await start(page, { epochs: 3, startFromEpoch: 2 });
    await finished(page);
    expect(await textOf(page, 'kept-epoch')).toBe('Epoch 2');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
  });
});

import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Download, Page } from 'playwright-core';
import { auditAccessibility } from '../support/accessibility.js';
import { unreachableByTab } from '../support/keyboard.js';
import { EXAMPLE } from '../../examples/browser/src/example-run.js';
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
  firstEligibleEpoch?: number;
  monitor?: 'consensus' | 'val_acc';
  averageWeights?: boolean;
}

/** Starts a training with the small preset, which is the page's default. */
async function start(page: Page, setup: Setup): Promise<void> {
  const { epochs, backend, seed, firstEligibleEpoch, monitor, averageWeights = false } = setup;
  if (monitor !== undefined) await page.getByLabel('Keep the epoch with the').selectOption(monitor);
  await page.getByLabel('Average the weights').setChecked(averageWeights);
  if (epochs !== undefined) await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  if (backend !== undefined) await page.getByLabel('Backend').selectOption(backend);
  if (seed !== undefined) await page.getByLabel('Seed').fill(String(seed));
  if (firstEligibleEpoch !== undefined)
    await page.getByLabel('First eligible epoch').fill(String(firstEligibleEpoch));
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

/** The rows of the values table: epoch, three entropies, two or three accuracies, and the state, which is the second cell. */
async function valuesOf(page: Page): Promise<string[][]> {
  const rows = await page.locator('#values tr').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  return cells.map(([epoch, state, ...values]) => [epoch!, ...values, state!]);
}

async function keptRow(page: Page): Promise<string[]> {
  const kept = (await valuesOf(page)).filter((row) => row.at(-1) === 'kept');
  expect(kept).toHaveLength(1);
  return kept[0]!;
}

interface DrawnChart {
  /** Names of the curves. */
  curves: string[];
  /** The epoch below the vertical mark. */
  keptAbove: string | null;
  keptName: string | null;
  /** Whether the mark is as upright as a line can be, and has the sign of what is kept on it. */
  isMarked: boolean;
}

function drawnChart(page: Page, chart: string): Promise<DrawnChart> {
  return page.locator(`#${chart} svg`).evaluate((svg) => {
    const middle = (found: Element | null): number => {
      const { left, width } = found!.getBoundingClientRect();
      return left + width / 2;
    };
    const mark = svg.querySelector('.kept-line');
    const ticks = Array.from(svg.querySelectorAll('text.tick[text-anchor=middle]'));
    return {
      curves: Array.from(svg.querySelectorAll('.name'), ({ textContent }) => textContent),
      keptAbove:
        mark && (ticks.find((tick) => Math.abs(middle(tick) - middle(mark)) < 2)?.textContent ?? null),
      keptName: svg.querySelector('.kept-name')?.textContent ?? null,
      isMarked:
        mark !== null &&
        mark.getBoundingClientRect().width < 4 &&
        Math.abs(middle(svg.querySelector('.kept-sign')) - middle(mark)) < 1,
    };
  });
}

/** The share before a percent sign, in percentage points. */
const pointsIn = (text: string | undefined): number => Number(/([\d.]+) %/.exec(text ?? '')?.[1]);

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
    expect(await textOf(page, 'last-epoch')).toBe(`Epoch ${values.length}`);
    expect(await page.locator('[aria-live] >> text=The checkpoint keeps epoch').textContent()).toBe(
      `The checkpoint keeps epoch ${kept[0]}: the highest entropy.`,
    );
    // The library counts from 0.
    expect(await textOf(page, 'explanation')).toContain(`Epoch ${Number(kept[0]) - 1} was kept`);
    const gain = (pointsIn(kept[5]) - pointsIn(values.at(-1)![5])).toFixed(1);
    expect(await textOf(page, 'outcome')).toBe(`+${gain} points over the last epoch`);
    const marked = { keptAbove: kept[0], keptName: `kept: ${kept[0]}`, isMarked: true };
    expect(await drawnChart(page, 'entropy-chart')).toMatchObject(marked);
    expect(await drawnChart(page, 'accuracy-chart')).toMatchObject(marked);
    const { history, best } = EXAMPLE;
    expect(values.map((row) => row[0])).toEqual(history.map(({ epoch }) => String(epoch + 1)));
    expect(kept[0]).toBe(String(best!.epoch + 1));
    values.forEach((row, epoch) => {
      expect(Number(row[1])).toBeCloseTo(history[epoch]!.entropy!, 2);
    });
    expect(urls.filter((url) => !url.startsWith(demo.url) && !url.startsWith('data:'))).toEqual([]);
    expect(urls.filter((url) => url.endsWith('.wasm'))).toHaveLength(1);
  });

  test('says how large the share of right validation labels is, and draws it', async () => {
    const { open } = await demo.visit();
    const page = await open();
    expect(await textOf(page, 'ceiling-text')).toContain('53 of the 100 validation labels are wrong');
    await start(page, { epochs: 2, seed: 5 });
    await finished(page);
    const text = await textOf(page, 'ceiling-text');
    const [, numWrong] = /(\d+) of the 100 validation labels/.exec(text) ?? [];
    expect(text).toContain(`reaches ${100 - Number(numWrong)} %`);
    expect(await page.locator('#accuracy-chart .level-name').textContent()).toBe(
      `ceiling of “noisy”: ${100 - Number(numWrong)} %`,
    );
    expect(await page.locator('#entropy-chart .level').count()).toBe(0);
  });

  test('is preceded by an example, which it replaces', async () => {
    const { open } = await demo.visit();
    const page = await open();
    const example = page.getByText('This is a recorded training');
    expect(await example.isVisible()).toBe(true);
    expect(await textOf(page, 'outcome')).toBe('+14.0 points over the last epoch');
    expect((await drawnChart(page, 'accuracy-chart')).curves).toEqual(['clean', 'noisy']);
    expect(await valuesOf(page)).toEqual([]);
    await pauseAfter(page, 0);
    await start(page, { epochs: 2 });
    await paused(page);
    expect(await example.isVisible()).toBe(false);
    expect(await textOf(page, 'progress-text')).toMatch(/^Epoch 1 of 2 · batch/);
    expect(await textOf(page, 'kept-text')).toMatch(/so far\.$/);
    await click(page, 'Resume');
    await finished(page);
    expect(await page.locator('body').innerText()).not.toContain('so far');
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
      `up to epoch ${complete.length} of 200`,
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
    const [, done] = /up to epoch (\d) of 6/.exec(text) ?? [];
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
    // Without the average, the weights are those of the training without averaging.
    expect(values.map((row) => row[6])).toEqual(uninterrupted.map((row) => row[5]));
    const kept = await keptRow(first);
    const highest = values.reduce((best, row) =>
      Number.parseFloat(row[4]!) > Number.parseFloat(best[4]!) ? row : best,
    );
    expect(kept).toEqual(highest);
    expect(await textOf(first, 'kept-text')).toContain(
      `keeps the average of the weights at epoch ${kept[0]}`,
    );
    const last = uninterrupted.at(-1)!;
    expect(await textOf(first, 'last-accuracy')).toContain(last[5]);
    const gain = pointsIn(kept[5]) - pointsIn(last[5]);
    expect(await textOf(first, 'outcome')).toBe(
      Math.abs(gain) < 0.05
        ? 'As good as the last epoch'
        : `${gain > 0 ? '+' : '−'}${Math.abs(gain).toFixed(1)} points over the last epoch`,
    );
    const averaging = pointsIn(kept[5]) - pointsIn(kept[6]);
    expect(await textOf(first, 'average-gain')).toBe(
      `${averaging < 0 ? '−' : '+'}${Math.abs(averaging).toFixed(1)} points`,
    );
    expect((await drawnChart(first, 'accuracy-chart')).curves.sort()).toEqual([
      'clean',
      'noisy',
      'not averaged',
    ]);
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
      new RegExp(`^<!doctype html>.*Epoch ${Number(epoch) - 1} was kept.*<svg.*</html>`, 's'),
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
      await pauseAfter(page, 1);
      await start(page, { epochs: 4, monitor: 'val_acc', averageWeights: true });
      await paused(page);
      expect((await auditAccessibility(page)).violations).toEqual([]);
      await click(page, 'Resume');
      await finished(page);
      expect((await auditAccessibility(page)).violations).toEqual([]);
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
      await page.evaluate(failPutsAbove, 0);
      await start(page, { epochs: 2 });
      await waitForText(page, 'problem', /./);
      expect((await auditAccessibility(page)).violations).toEqual([]);
    },
  );

  test('a keyboard is enough to train and restore, and the focus is never lost', async () => {
    const { open } = await demo.visit({ acceptDownloads: true });
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    const tabTo = async (id: string) => {
      for (let i = 0; (await focused()) !== id && i < 60; i++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(id);
    };
    expect(await unreachableByTab(page)).toEqual([]);
    await tabTo('noise');
    await page.keyboard.press('ArrowRight');
    expect(await textOf(page, 'noise-value')).toBe('45 %');
    await tabTo('monitor');
    await page.keyboard.press('End');
    expect(await page.locator('#monitor').inputValue()).toBe('val_acc');
    await tabTo('average-weights');
    await page.keyboard.press('Space');
    expect(await page.getByRole('switch', { name: 'Average the weights' }).isChecked()).toBe(true);
    await tabTo('epochs');
    await page.keyboard.type('3');
    expect(await page.locator('#epochs').inputValue()).toBe('3');
    await tabTo('start');
    await pauseAfter(page, 0);
    await page.keyboard.press('Enter');
    await paused(page);
    expect(await focused()).toBe('pause');
    await page.keyboard.press('Enter');
    await finished(page);
    expect(await focused()).toBe('restore');
    await page.keyboard.press('Enter');
    await waitForText(page, 'message', /is restored/);

    await page.locator('summary').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('#values').isVisible()).toBe(true);
    expect(await unreachableByTab(page)).toEqual([]);
    await tabTo('download-report');
    const downloading = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    expect((await downloading).suggestedFilename()).toMatch(/report\.html$/);
  });

  test('a phone does not scroll sideways, also with a later first eligible epoch', async () => {
    const { open } = await demo.visit({ viewport: { width: 390, height: 844 } });
    const page = await open();
    await start(page, { epochs: 3, firstEligibleEpoch: 3 });
    await finished(page);
    expect(await textOf(page, 'kept-epoch')).toBe('Epoch 3');
    expect(await page.locator('#entropy-chart .ineligible').count()).toBe(1);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
  });
});

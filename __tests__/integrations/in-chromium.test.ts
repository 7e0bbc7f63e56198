import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTabs, type Tab, type Tabs } from '../stores/indexed-db/chromium-tabs.js';
import { pause } from '../support/pause.js';
import type { Chart, ShownTraining } from './fixtures/in-page.js';

let tabs: Tabs;
let tab: Tab;

beforeAll(async () => {
  tabs = await openTabs(new URL('fixtures/in-page.tsx', import.meta.url));
  tab = await tabs.open();
});

afterAll(async () => {
  await tabs.close();
});

/** Asks the page until it shows what is expected. Jest's timeout ends the wait. */
async function shownOnce(holds: (shown: ShownTraining) => boolean): Promise<ShownTraining> {
  for (;;) {
    const shown = (await tab.call('shownTraining')) as ShownTraining;
    if (holds(shown)) return shown;
    await pause(20);
  }
}

async function tensorsReach(count: number): Promise<void> {
  while ((await tab.call('numTensors')) !== count) await pause(20);
}

describe('tfvis.show.fitCallbacks', () => {
  test('draws entropies, loss and accuracy, and validation values in the chart of the value itself', async () => {
    const { charts, epochs } = (await tab.call('drawCurves')) as { charts: Chart[]; epochs: number };
    expect(epochs).toBe(5);
    expect(charts.map(({ name }) => name)).toEqual(['entropy', 'train_entropy', 'loss', 'acc']);
    for (const { inkedPixels } of charts) expect(inkedPixels).toBeGreaterThan(100);
  });

  test('draws no entropy if it is listed before the checkpoint', async () => {
    expect(await tab.call('drawCurvesBeforeCheckpoint')).toEqual(['loss']);
  });
});

describe('the React component in StrictMode', () => {
  test('trains once, shows the epochs and the kept one, and passes on the model with the best epoch', async () => {
    await tab.call('mount', 6);
    const { rows, status, modelsMade } = await shownOnce((shown) => shown.status !== 'training');
    expect(modelsMade).toBe(1);
    expect(rows.map(([epoch]) => epoch)).toEqual(['0', '1', '2', '3', '4', '5']);
    const entropies = rows.map(([, entropy]) => Number(entropy));
    const kept = rows.findIndex(([, , state]) => state === 'kept');
    expect(entropies[kept]).toBe(Math.max(...entropies));
    expect(rows.filter(([, , state]) => state === 'kept')).toHaveLength(1);
    expect(status).toBe(`trained; the model holds epoch ${kept}`);
    expect(await tab.call('hasStoredWeights')).toBe(true);
    await tab.call('unmount');
  });

  test('frees everything when it is unmounted, after training and during it', async () => {
    const before = (await tab.call('numTensors')) as number;
    await tab.call('mount', 2);
    await shownOnce((shown) => shown.status !== 'training');
    await tab.call('unmount');
    await tensorsReach(before);
    await tab.call('mount', 10_000);
    await shownOnce((shown) => shown.rows.length >= 2);
    await tab.call('unmount');
    await tensorsReach(before);
  });

  test('trains again with new props once the previous training has released its lock', async () => {
    await tab.call('mount', 10_000);
    await shownOnce((shown) => shown.rows.length >= 1);
    await tab.call('render', 2);
    const { rows, status, modelsMade } = await shownOnce((shown) => shown.status !== 'training');
    expect(modelsMade).toBe(2);
    expect(status).toMatch(/^trained/);
    expect(rows).toHaveLength(2);
    await tab.call('unmount');
  });
});

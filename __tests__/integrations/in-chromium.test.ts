import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTabs, type Tab, type Tabs } from '../stores/indexed-db/chromium-tabs.js';
import { pause } from '../support/pause.js';
import type { Chart, Seen } from './fixtures/in-page.js';

let tabs: Tabs;
let tab: Tab;

beforeAll(async () => {
  tabs = await openTabs(new URL('fixtures/in-page.tsx', import.meta.url));
  tab = await tabs.open();
}, 120_000);

afterAll(async () => {
  await tabs.close();
});

/** Asks the page until what is seen is as it should be: it draws when it has the time. Jest's timeout ends it. */
async function seenWhen(holds: (seen: Seen) => boolean): Promise<Seen> {
  for (;;) {
    const seen = (await tab.call('seen')) as Seen;
    if (holds(seen)) return seen;
    await pause(20);
  }
}

async function tensorsWhen(count: number): Promise<void> {
  while ((await tab.call('numTensors')) !== count) await pause(20);
}

describe('tfvis.show.fitCallbacks', () => {
  test('draws the entropies, those of both phases and of validation in one chart, loss and accuracy', async () => {
    const { charts, epochs } = (await tab.call('drawCurves')) as { charts: Chart[]; epochs: number };
    expect(epochs).toBe(5);
    expect(charts.map(({ name }) => name)).toEqual(['entropy', 'train_entropy', 'loss', 'acc']);
    for (const { inkedPixels } of charts) expect(inkedPixels).toBeGreaterThan(100);
  });

  test('ahead of the checkpoint sees no entropy', async () => {
    expect(await tab.call('drawCurvesFirst')).toEqual(['loss']);
  });
});

describe('the React component, in StrictMode', () => {
  test('trains once, shows the epochs and the kept one, and gives the model with the best epoch', async () => {
    await tab.call('mount', 6);
    const { rows, status, modelsMade } = await seenWhen((seen) => seen.status !== 'training');
    expect(modelsMade).toBe(1);
    expect(rows.map(([epoch]) => epoch)).toEqual(['0', '1', '2', '3', '4', '5']);
    const entropies = rows.map(([, entropy]) => Number(entropy));
    const kept = rows.findIndex(([, , state]) => state === 'kept');
    expect(entropies[kept]).toBe(Math.max(...entropies));
    expect(rows.filter(([, , state]) => state === 'kept')).toHaveLength(1);
    expect(status).toBe(`trained; the model holds epoch ${kept}`);
    expect(await tab.call('trainedHoldsStored')).toBe(true);
    await tab.call('unmount');
  });

  test('frees everything when it is gone, after training and in the middle of it', async () => {
    const before = (await tab.call('numTensors')) as number;
    await tab.call('mount', 2);
    await seenWhen((seen) => seen.status !== 'training');
    await tab.call('unmount');
    await tensorsWhen(before);
    await tab.call('mount', 10_000);
    await seenWhen((seen) => seen.rows.length >= 2);
    await tab.call('unmount');
    await tensorsWhen(before);
  });

  test('given other props, it trains anew when the former training has given its place back', async () => {
    await tab.call('mount', 10_000);
    await seenWhen((seen) => seen.rows.length >= 1);
    await tab.call('render', 2);
    const { rows, status, modelsMade } = await seenWhen((seen) => seen.status !== 'training');
    expect(modelsMade).toBe(2);
    expect(status).toMatch(/^trained/);
    expect(rows).toHaveLength(2);
    await tab.call('unmount');
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTabs, ORIGIN, type Tab, type Tabs } from './chromium-tabs.js';

let tabs: Tabs;
let first: Tab;
let second: Tab;
let places = 0;
let place = '';

beforeAll(async () => {
  tabs = await openTabs(new URL('in-tab.ts', import.meta.url));
}, 120_000);

afterAll(async () => {
  await tabs.close();
});

beforeEach(async () => {
  [first, second] = await Promise.all([tabs.open(), tabs.open()]);
  place = `place-${places++}`;
});

afterEach(async () => {
  await Promise.all([first.close(), second.close()]);
});

const inUse = expect.objectContaining({
  code: 'ENTROPY_STORE_IN_USE',
  message: expect.stringContaining('another tab or worker'),
});

describe('two tabs', () => {
  test('one of them at a time trains on a place, and both on two', async () => {
    await first.call('open', place);
    await expect(second.call('open', place)).rejects.toEqual(inUse);
    await expect(second.call('save', place, 1, ['best'], {})).rejects.toEqual(inUse);
    await second.call('open', `${place}/other`);
    await first.call('close', place);
    await second.call('open', place);
    await expect(first.call('open', place)).rejects.toEqual(inUse);
  });

  test('a tab that is closed gives the place back at once', async () => {
    await first.call('open', place);
    await expect(second.call('open', place)).rejects.toEqual(inUse);
    await first.close();
    await second.call('open', place);
  });

  test('what one stores the other loads, also while the first has it open', async () => {
    await first.call('open', place);
    await first.call('save', place, 1, ['best'], {});
    await second.call('expectStep', place, 'best', 1);
    await first.call('save', place, 2, ['best'], {});
    await second.call('expectStep', place, 'best', 2);
  });

  test('a tab that is closed in the middle of a save leaves the previous checkpoint, and nothing for long', async () => {
    await first.call('open', place);
    await first.call('save', place, 1, ['best'], {});
    const whole = await second.call('countShards', place);
    await first.call('beginSave', place, 2);
    expect(await second.call('countShards', place)).toBeGreaterThan(whole as number);
    await first.close();
    await second.call('expectStep', place, 'best', 1);
    await second.call('open', place);
    await second.call('expectNoLeftovers', place);
    await second.call('expectStep', place, 'best', 1);
    await second.call('save', place, 3, ['best'], {});
    await second.call('expectStep', place, 'best', 3);
  });

  test('a store that is closed during a save holds the place against the other tab until that has ended', async () => {
    await first.call('open', place);
    await first.call('beginSave', place, 1);
    await first.call('close', place);
    await expect(second.call('open', place)).rejects.toEqual(inUse);
    await first.call('finishSave', place);
    await second.call('open', place);
    await second.call('expectStep', place, 'best', 1);
  });

  test('what another tab does meanwhile, here and elsewhere, takes no shard from a save that is under way', async () => {
    await first.call('beginSave', place, 1);
    await expect(second.call('open', place)).rejects.toEqual(inUse);
    await second.call('open', `${place}/other`);
    await second.call('save', `${place}/other`, 2, ['best'], {});
    await first.call('finishSave', place);
    await second.call('expectStep', place, 'best', 1);
    await second.call('expectStep', `${place}/other`, 'best', 2);
  });
});

describe('a worker', () => {
  test('of the page shares its places, and gives them back when it is terminated in the middle of a save', async () => {
    await first.call('startWorker');
    await first.call('inWorker', 'save', place, 1, ['best'], {});
    await first.call('expectStep', place, 'best', 1);
    await first.call('inWorker', 'open', place);
    await expect(first.call('open', place)).rejects.toEqual(inUse);
    await first.call('inWorker', 'beginSave', place, 2);
    await first.call('terminateWorker');
    await first.call('open', place);
    await first.call('expectNoLeftovers', place);
    await first.call('expectStep', place, 'best', 1);
  });

  test('is refused a place that the page trains on', async () => {
    await first.call('startWorker');
    await first.call('open', place);
    await expect(first.call('inWorker', 'open', place)).rejects.toEqual(inUse);
    await first.call('close', place);
    await first.call('inWorker', 'open', place);
  });
});

describe('storage', () => {
  test('that the user clears during a save fails it, and the next save does not', async () => {
    await first.call('open', place);
    await first.call('save', place, 1, ['best'], {});
    await first.call('beginSave', place, 2);
    await tabs.devTools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' });
    await expect(first.call('finishSave', place)).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
    await first.call('save', place, 3, ['best'], {});
    await second.call('expectStep', place, 'best', 3);
    await second.call('expectNoLeftovers', place);
  });
});

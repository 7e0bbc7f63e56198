import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openTabs, ORIGIN, type Tab, type Tabs } from './chromium-tabs.js';

let tabs: Tabs;
let first: Tab;
let second: Tab;
let locationCount = 0;
let location = '';

beforeAll(async () => {
  tabs = await openTabs(new URL('in-tab.ts', import.meta.url));
});

afterAll(async () => {
  await tabs.close();
});

beforeEach(async () => {
  [first, second] = await Promise.all([tabs.open(), tabs.open()]);
  location = `location-${locationCount++}`;
});

afterEach(async () => {
  await Promise.all([first.close(), second.close()]);
});

const inUse = expect.objectContaining({
  code: 'ENTROPY_STORE_IN_USE',
  message: expect.stringContaining('another tab or worker'),
});

describe('two tabs', () => {
  it('train on one location one at a time, and on two at once', async () => {
    await first.call('open', location);
    await expect(second.call('open', location)).rejects.toEqual(inUse);
    await expect(second.call('save', location, 1, ['best'], {})).rejects.toEqual(inUse);
    await second.call('open', `${location}/other`);
    await first.call('close', location);
    await second.call('open', location);
    await expect(first.call('open', location)).rejects.toEqual(inUse);
  });

  it('release the lock when they are closed', async () => {
    await first.call('open', location);
    await expect(second.call('open', location)).rejects.toEqual(inUse);
    await first.close();
    await second.call('open', location);
  });

  it('load what the other saves while it holds the lock', async () => {
    await first.call('open', location);
    await first.call('save', location, 1, ['best'], {});
    await second.call('expectStep', location, 'best', 1);
    await first.call('save', location, 2, ['best'], {});
    await second.call('expectStep', location, 'best', 2);
  });

  it('keep the previous checkpoint when one is closed during a save, and then remove its shards', async () => {
    await first.call('open', location);
    await first.call('save', location, 1, ['best'], {});
    const whole = await second.call('countShards', location);
    await first.call('beginSave', location, 2);
    expect(await second.call('countShards', location)).toBeGreaterThan(whole as number);
    await first.close();
    await second.call('expectStep', location, 'best', 1);
    await second.call('open', location);
    await second.call('expectNoLeftovers', location);
    await second.call('expectStep', location, 'best', 1);
    await second.call('save', location, 3, ['best'], {});
    await second.call('expectStep', location, 'best', 3);
  });

  it('wait for the last save of a store that the other has closed', async () => {
    await first.call('open', location);
    await first.call('beginSave', location, 1);
    await first.call('close', location);
    await expect(second.call('open', location)).rejects.toEqual(inUse);
    await first.call('finishSave', location);
    await second.call('open', location);
    await second.call('expectStep', location, 'best', 1);
  });

  it('never remove a shard of a save that is running in the other', async () => {
    await first.call('beginSave', location, 1);
    await expect(second.call('open', location)).rejects.toEqual(inUse);
    await second.call('open', `${location}/other`);
    await second.call('save', `${location}/other`, 2, ['best'], {});
    await first.call('finishSave', location);
    await second.call('expectStep', location, 'best', 1);
    await second.call('expectStep', `${location}/other`, 'best', 2);
  });
});

describe('a worker', () => {
  it('shares the locks of its page, and releases them when it is terminated during a save', async () => {
    await first.call('startWorker');
    await first.call('inWorker', 'save', location, 1, ['best'], {});
    await first.call('expectStep', location, 'best', 1);
    await first.call('inWorker', 'open', location);
    await expect(first.call('open', location)).rejects.toEqual(inUse);
    await first.call('inWorker', 'beginSave', location, 2);
    await first.call('terminateWorker');
    await first.call('open', location);
    await first.call('expectNoLeftovers', location);
    await first.call('expectStep', location, 'best', 1);
  });

  it('is refused while the page holds the lock', async () => {
    await first.call('startWorker');
    await first.call('open', location);
    await expect(first.call('inWorker', 'open', location)).rejects.toEqual(inUse);
    await first.call('close', location);
    await first.call('inWorker', 'open', location);
  });
});

describe('clearing the site data', () => {
  it('fails a running save, but not the next one', async () => {
    await first.call('open', location);
    await first.call('save', location, 1, ['best'], {});
    await first.call('beginSave', location, 2);
    await tabs.devTools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' });
    await expect(first.call('finishSave', location)).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
    await first.call('save', location, 3, ['best'], {});
    await second.call('expectStep', location, 'best', 3);
    await second.call('expectNoLeftovers', location);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SHARD_BYTES } from '../../../src/stores/store.js';
import { IS_THOROUGH } from '../../support/thorough.js';
import { openTabs, ORIGIN, type Tab, type Tabs } from './chromium-tabs.js';

const LOCATION = 'location';
/** Makes four full shards and a small one. */
const LARGE = { elements: SHARD_BYTES, shardBytes: SHARD_BYTES };
/** More than the small checkpoint and the database take. */
const SMALL_BYTES = 500_000;

let tabs: Tabs;
let first: Tab;
let second: Tab;

// Each test has its own browser: Chromium caches the available space for half a minute.
beforeEach(async () => {
  tabs = await openTabs(new URL('in-tab.ts', import.meta.url));
  [first, second] = await Promise.all([tabs.open(), tabs.open()]);
});

afterEach(async () => {
  await tabs.close();
});

async function limitTo(quotaSize: number): Promise<void> {
  await tabs.devTools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize });
}

describe('an exceeded quota', () => {
  it.each(IS_THOROUGH ? [0, 1, 2, 3] : [2])(
    'after %i shards fails the save, keeps the stored checkpoints and frees the new shards',
    async (shards) => {
      await limitTo(SMALL_BYTES + shards * SHARD_BYTES);
      await first.call('open', LOCATION);
      await first.call('save', LOCATION, 1, ['best', 'last'], {});

      const saving = first.call('save', LOCATION, 2, ['last'], LARGE);

      await expect(saving).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
      await expect(saving).rejects.toThrow(/QuotaExceededError.*What was stored there before is unchanged/);
      await first.call('expectNoLeftovers', LOCATION);
      await second.call('expectStep', LOCATION, 'best', 1);
      await second.call('expectStep', LOCATION, 'last', 1);
      await first.call('save', LOCATION, 3, ['last'], {});
      await second.call('expectStep', LOCATION, 'last', 3);
      await limitTo(20 * SHARD_BYTES);
      await first.call('save', LOCATION, 2, ['last'], LARGE);
      await second.call('expectStep', LOCATION, 'last', 2, LARGE);
      await second.call('expectStep', LOCATION, 'best', 1);
      await second.call('expectNoLeftovers', LOCATION);
    },
  );

  it('of a single byte fails `open`', async () => {
    await limitTo(1);
    await expect(first.call('open', LOCATION)).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
    await limitTo(SMALL_BYTES);
    await first.call('open', LOCATION);
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SHARD_BYTES } from '../../../src/stores/store.js';
import { openTabs, ORIGIN, type Tab, type Tabs } from './chromium-tabs.js';

const PLACE = 'place';
/** Four full shards, and a small one. */
const LARGE = { elements: SHARD_BYTES, shardBytes: SHARD_BYTES };
/** What the small checkpoint and the database itself take, and more. */
const SMALL_BYTES = 500_000;

let tabs: Tabs;
let first: Tab;
let second: Tab;

// A browser for each test: Chromium remembers for half a minute how much room there was.
beforeEach(async () => {
  tabs = await openTabs(new URL('in-tab.ts', import.meta.url));
  [first, second] = await Promise.all([tabs.open(), tabs.open()]);
}, 120_000);

afterEach(async () => {
  await tabs.close();
});

async function limitTo(quotaSize: number): Promise<void> {
  await tabs.devTools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize });
}

describe('when there is no more room', () => {
  test.each([0, 1, 2, 3])(
    'after %i shards, the save fails; what was stored stays, and the room is given back',
    async (shards) => {
      await limitTo(SMALL_BYTES + shards * SHARD_BYTES);
      await first.call('open', PLACE);
      await first.call('save', PLACE, 1, ['best', 'last'], {});

      const saving = first.call('save', PLACE, 2, ['last'], LARGE);

      await expect(saving).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
      await expect(saving).rejects.toThrow(/QuotaExceededError.*What was stored there before is unchanged/);
      await first.call('expectNoLeftovers', PLACE);
      await second.call('expectStep', PLACE, 'best', 1);
      await second.call('expectStep', PLACE, 'last', 1);
      await first.call('save', PLACE, 3, ['last'], {});
      await second.call('expectStep', PLACE, 'last', 3);
      await limitTo(20 * SHARD_BYTES);
      await first.call('save', PLACE, 2, ['last'], LARGE);
      await second.call('expectStep', PLACE, 'last', 2, LARGE);
      await second.call('expectStep', PLACE, 'best', 1);
      await second.call('expectNoLeftovers', PLACE);
    },
  );

  test('for a single byte, the store cannot be opened', async () => {
    await limitTo(1);
    await expect(first.call('open', PLACE)).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
    await limitTo(SMALL_BYTES);
    await first.call('open', PLACE);
  });
});

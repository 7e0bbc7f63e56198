import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { SHARD_BYTES } from '../../../src/stores/store.js';
import { connectionsLeftBy, DATABASE, deleteDatabase, putRaw, requestResult } from './raw-database.js';
import { assertNoLeftovers, type IndexedDbCase } from './indexed-db-case.js';
import { assertHolds, assertIs, sampleOf, sourceOf } from '../conformance/sample.js';
import { INTO_BEST, refusal } from '../conformance/store-case.js';

/** What happens around a store: to the database, and in the page. */
export const indexedDbSurroundingsCases: readonly IndexedDbCase[] = [
  {
    name: 'shards that somebody deletes during the save fail it, and the previous checkpoint stays',
    async run(place) {
      const [one, two] = [await sampleOf(1), await sampleOf(2)];
      const store = new IndexedDbStore(place);
      await store.save(sourceOf(one), INTO_BEST);
      const { sha256 } = two.manifest.shards[1]!;
      const source = sourceOf(two, { beforeHead: () => putRaw('shards', place, sha256, undefined) });
      const error = await refusal(store.save(source, INTO_BEST), 'ENTROPY_STORE_FAILED');
      assert.include(error.message, 'Shard 1 has been deleted');
      await assertHolds(store, one);
      await assertNoLeftovers(place);
    },
  },
  {
    name: 'no connection is kept, whatever comes of what it was opened for',
    async run(place) {
      const left = await connectionsLeftBy(async () => {
        const store = new IndexedDbStore(place);
        await store.open();
        await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
        const broken = {
          beforeShard: (i: number) => (i === 2 ? Promise.reject(new Error('no')) : undefined),
        };
        const failing = store.save(sourceOf(await sampleOf(2), broken), INTO_BEST);
        await refusal(failing, 'ENTROPY_STORE_FAILED');
        await putRaw('manifests', place, 'last', '{}');
        await refusal(store.load('last'), 'ENTROPY_NOT_A_CHECKPOINT');
        await assertHolds(store, await sampleOf(1));
        assert.lengthOf(await store.slots(), 2);
        store.close();
      });
      assert.equal(left, 0);
    },
  },
  {
    name: 'a database that is deleted is made anew, and what was loaded before stays readable',
    async run(place) {
      const store = new IndexedDbStore(place);
      await store.open();
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      const stored = await store.load('best');
      await deleteDatabase();
      await assertHolds(store, null);
      await assertIs(stored, await sampleOf(1));
      await stored!.close();
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      store.close();
      await assertHolds(store, await sampleOf(2));
    },
  },
  {
    name: 'a database that is deleted during a save is gone before the save has ended; that fails, and the next does not',
    async run(place) {
      const store = new IndexedDbStore(place);
      await store.open();
      const source = sourceOf(await sampleOf(1), {
        beforeShard: async (index) => {
          // Would wait for the save, and the save for it, if the store did not let go.
          if (index === 2) await deleteDatabase();
        },
      });
      const error = await refusal(store.save(source, INTO_BEST), 'ENTROPY_STORE_FAILED');
      assert.equal((error.cause as Error).name, 'InvalidStateError');
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      store.close();
      await assertHolds(store, await sampleOf(2));
      await assertNoLeftovers(place);
    },
  },
  {
    name: 'a database of a later version is neither read nor written',
    async run(place) {
      await deleteDatabase();
      (await requestResult(indexedDB.open(DATABASE, 2))).close();
      const store = new IndexedDbStore(place);
      try {
        for (const use of [
          () => store.open(),
          () => store.load('best'),
          () => store.slots(),
          async () => store.save(sourceOf(await sampleOf(1)), INTO_BEST),
        ]) {
          const error = await refusal(use(), 'ENTROPY_STORE_FAILED');
          assert.equal((error.cause as Error).name, 'VersionError');
        }
      } finally {
        await deleteDatabase();
      }
      await store.open();
      store.close();
    },
  },
  {
    name: 'without IndexedDB everything is refused',
    async run(place) {
      const store = new IndexedDbStore(place);
      await withGlobal(globalThis, 'indexedDB', async () => {
        const error = await refusal(store.open(), 'ENTROPY_STORE_FAILED');
        assert.include(error.message, 'no IndexedDB');
      });
      await store.open();
      store.close();
    },
  },
  {
    name: 'without Web Locks, as in an insecure context, trainings of one page are still told apart',
    async run(place) {
      await withGlobal(navigator, 'locks', async () => {
        const [first, second] = [new IndexedDbStore(place), new IndexedDbStore(place)];
        await first.open();
        await refusal(second.open(), 'ENTROPY_STORE_IN_USE');
        await first.save(sourceOf(await sampleOf(1)), INTO_BEST);
        first.close();
        await second.open();
        second.close();
        await assertHolds(second, await sampleOf(1));
      });
    },
  },
  {
    name: 'places whose names begin alike, or are odd, are different places',
    async run(place) {
      const names = [place, `${place}/`, `${place}a`, `-${place}`, `${place}\u0000`, `ä ${place}\uffff`];
      const stores = names.map((name) => new IndexedDbStore(name));
      for (const store of stores) await store.open();
      for (const [i, store] of stores.entries()) await store.save(sourceOf(await sampleOf(i)), INTO_BEST);
      for (const [i, store] of stores.entries()) await assertHolds(store, await sampleOf(i));
      for (const store of stores) store.close();
    },
  },
  {
    name: 'a checkpoint of 200 MB comes back',
    async run(place) {
      const sample = await sampleOf(1, { elements: 50_000_000, shardBytes: SHARD_BYTES });
      const store = new IndexedDbStore(place);
      await store.save(sourceOf(sample), INTO_BEST);
      await assertHolds(store, sample);
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await assertNoLeftovers(place);
    },
  },
];

/** Runs `action` as if `object` had no such property. */
async function withGlobal(object: object, name: string, action: () => Promise<void>): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value: undefined, configurable: true });
  try {
    await action();
  } finally {
    // Where it is the prototype's, that shows again.
    Reflect.deleteProperty(object, name);
    if (own !== undefined) Object.defineProperty(object, name, own);
  }
}

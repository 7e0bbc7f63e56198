import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { SHARD_BYTES } from '../../../src/stores/store.js';
import { connectionsLeftBy, DATABASE, deleteDatabase, putRaw, requestResult } from './raw-database.js';
import { assertNoLeftovers, type IndexedDbCase } from './indexed-db-case.js';
import { assertStored, assertMatches, sampleOf, sourceOf } from '../conformance/sample.js';
import { INTO_BEST, rejectionWith } from '../conformance/store-case.js';

/** Events outside the store: in the database and in the page. */
export const indexedDbEnvironmentCases: readonly IndexedDbCase[] = [
  {
    name: 'fails a save during which a shard is deleted, and keeps the previous checkpoint',
    async run(location) {
      const [one, two] = [await sampleOf(1), await sampleOf(2)];
      const store = new IndexedDbStore(location);
      await store.save(sourceOf(one), INTO_BEST);
      const { sha256 } = two.manifest.shards[1]!;
      const source = sourceOf(two, { beforeManifest: () => putRaw('shards', location, sha256, undefined) });
      const error = await rejectionWith(store.save(source, INTO_BEST), 'ENTROPY_STORE_FAILED');
      assert.include(error.message, 'Shard 1 has been deleted');
      await assertStored(store, one);
      await assertNoLeftovers(location);
    },
  },
  {
    name: 'fails in the given time while another connection blocks a deletion, and opens nothing afterwards',
    async run(location) {
      const [store, hurried] = [new IndexedDbStore(location), new IndexedDbStore(location, 200)];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      // Ignores that it should close, as a tab with other code may.
      const blocking = await requestResult(indexedDB.open(DATABASE));
      const deleted = requestResult(indexedDB.deleteDatabase(DATABASE));
      const left = await connectionsLeftBy(async () => {
        for (const use of [() => hurried.load('best'), () => hurried.slots(), () => hurried.open()]) {
          const error = await rejectionWith(use(), 'ENTROPY_STORE_FAILED');
          assert.include(error.message, 'within 0.2 seconds');
          assert.include(error.message, '`storeTimeoutMs`');
        }
        blocking.close();
        await deleted;
        // Whatever was requested before opens before this.
        await assertStored(new IndexedDbStore(location), null);
      });
      assert.equal(left, 0);
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await assertStored(store, await sampleOf(2));
    },
  },
  {
    name: 'writes nothing later if a transaction of another tab takes too long',
    async run(location) {
      const [store, hurried] = [new IndexedDbStore(location), new IndexedDbStore(location, 200)];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      const other = await requestResult(indexedDB.open(DATABASE));
      const transaction = other.transaction(['manifests', 'shards'], 'readwrite');
      let isHeld = true;
      // A transaction lasts as long as it has requests.
      const hold = (): void => {
        if (isHeld) transaction.objectStore('manifests').count().onsuccess = hold;
      };
      hold();
      const saving = hurried.save(sourceOf(await sampleOf(2)), INTO_BEST);
      const error = await rejectionWith(saving, 'ENTROPY_STORE_FAILED');
      assert.include(error.message, 'within 0.2 seconds');
      isHeld = false;
      other.close();
      await assertStored(new IndexedDbStore(location), await sampleOf(1));
      await assertNoLeftovers(location);
    },
  },
  {
    name: 'leaves no connection open, whether an operation succeeds or fails',
    async run(location) {
      const left = await connectionsLeftBy(async () => {
        const store = new IndexedDbStore(location);
        await store.open();
        await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
        const broken = {
          beforeShard: (i: number) => (i === 2 ? Promise.reject(new Error('no')) : undefined),
        };
        const failing = store.save(sourceOf(await sampleOf(2), broken), INTO_BEST);
        await rejectionWith(failing, 'ENTROPY_STORE_FAILED');
        await putRaw('manifests', location, 'last', '{}');
        await rejectionWith(store.load('last'), 'ENTROPY_NOT_A_CHECKPOINT');
        await assertStored(store, await sampleOf(1));
        assert.lengthOf(await store.slots(), 2);
        store.close();
      });
      assert.equal(left, 0);
    },
  },
  {
    name: 'creates a deleted database again, and keeps loaded checkpoints readable',
    async run(location) {
      const store = new IndexedDbStore(location);
      await store.open();
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      const stored = await store.load('best');
      await deleteDatabase();
      await assertStored(store, null);
      await assertMatches(stored, await sampleOf(1));
      await stored!.close();
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await assertStored(store, await sampleOf(2));
      // A save says what was lost.
      await deleteDatabase();
      const intoLast = { into: ['last'], keep: ['best'] } as const;
      assert.deepEqual(await store.save(sourceOf(await sampleOf(3)), intoLast), ['best']);
      assert.deepEqual(await store.save(sourceOf(await sampleOf(3)), INTO_BEST), []);
      store.close();
    },
  },
  {
    name: 'fails a save during which the database is deleted, does not delay the deletion, and saves next time',
    async run(location) {
      const store = new IndexedDbStore(location);
      await store.open();
      const source = sourceOf(await sampleOf(1), {
        beforeShard: async (index) => {
          // If the store did not close its connection, the deletion and the save would wait for each other.
          if (index === 2) await deleteDatabase();
        },
      });
      const error = await rejectionWith(store.save(source, INTO_BEST), 'ENTROPY_STORE_FAILED');
      assert.equal((error.cause as Error).name, 'InvalidStateError');
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      store.close();
      await assertStored(store, await sampleOf(2));
      await assertNoLeftovers(location);
    },
  },
  {
    name: 'neither reads nor writes a database of a later version',
    async run(location) {
      await deleteDatabase();
      (await requestResult(indexedDB.open(DATABASE, 2))).close();
      const store = new IndexedDbStore(location);
      try {
        for (const use of [
          () => store.open(),
          () => store.load('best'),
          () => store.slots(),
          async () => store.save(sourceOf(await sampleOf(1)), INTO_BEST),
        ]) {
          const error = await rejectionWith(use(), 'ENTROPY_STORE_FAILED');
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
    name: 'fails to open without IndexedDB',
    async run(location) {
      const store = new IndexedDbStore(location);
      await without(globalThis, 'indexedDB', async () => {
        const error = await rejectionWith(store.open(), 'ENTROPY_STORE_FAILED');
        assert.include(error.message, 'IndexedDB is not available');
      });
      await store.open();
      store.close();
    },
  },
  {
    name: 'still locks within one page without Web Locks, as in an insecure context',
    async run(location) {
      await without(navigator, 'locks', async () => {
        const [first, second] = [new IndexedDbStore(location), new IndexedDbStore(location)];
        await first.open();
        await rejectionWith(second.open(), 'ENTROPY_STORE_IN_USE');
        await first.save(sourceOf(await sampleOf(1)), INTO_BEST);
        first.close();
        await second.open();
        second.close();
        await assertStored(second, await sampleOf(1));
      });
    },
  },
  {
    name: 'distinguishes locations whose names share a prefix or contain odd characters',
    async run(location) {
      const names = [
        location,
        `${location}/`,
        `${location}a`,
        `-${location}`,
        `${location}\u0000`,
        `ä ${location}\uffff`,
      ];
      const stores = names.map((name) => new IndexedDbStore(name));
      for (const store of stores) await store.open();
      for (const [i, store] of stores.entries()) await store.save(sourceOf(await sampleOf(i)), INTO_BEST);
      for (const [i, store] of stores.entries()) await assertStored(store, await sampleOf(i));
      for (const store of stores) store.close();
    },
  },
  {
    name: 'returns a checkpoint of 200 MB',
    async run(location) {
      const sample = await sampleOf(1, { elements: 50_000_000, shardBytes: SHARD_BYTES });
      const store = new IndexedDbStore(location);
      await store.save(sourceOf(sample), INTO_BEST);
      await assertStored(store, sample);
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await assertNoLeftovers(location);
    },
  },
];

/** Runs `action` while a property of `object` is undefined. */
async function without(object: object, name: string, action: () => Promise<void>): Promise<void> {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value: undefined, configurable: true });
  try {
    await action();
  } finally {
    // If the property belongs to the prototype, deleting the override restores it.
    Reflect.deleteProperty(object, name);
    if (descriptor !== undefined) Object.defineProperty(object, name, descriptor);
  }
}

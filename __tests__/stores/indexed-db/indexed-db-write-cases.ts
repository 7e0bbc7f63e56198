import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { putRaw, rawRecords } from './raw-database.js';
import { assertNoLeftovers, type IndexedDbCase } from './indexed-db-case.js';
import { assertStored, sampleOf, sourceOf, type Sample } from '../conformance/sample.js';
import { INTO_BEST, rejectionWith } from '../conformance/store-case.js';

/** The checksum of a shard that a closed tab has left. */
const LEFTOVER = '0123456789abcdef'.repeat(4);

type Put = (this: IDBObjectStore, value: unknown, key: IDBValidKey) => IDBRequest<IDBValidKey>;

/** Runs `action` with `put` of every object store replaced. */
async function withPut<T>(replace: (original: Put) => Put, action: () => Promise<T>): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- `call` passes on `this`.
  const original = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = replace(original) as typeof original;
  try {
    return await action();
  } finally {
    IDBObjectStore.prototype.put = original;
  }
}

/** Ways in which a write of a save can fail. */
const BROKEN_PUTS: readonly (readonly [what: string, cause: RegExp, put: (original: Put) => Put])[] = [
  [
    'throws for lack of space',
    /QuotaExceededError/,
    () => () => {
      throw new DOMException('No space is left.', 'QuotaExceededError');
    },
  ],
  [
    'aborts its transaction',
    /AbortError|TransactionInactiveError/,
    (original) =>
      function (value, key) {
        const request = original.call(this, value, key);
        this.transaction.abort();
        return request;
      },
  ],
  [
    'fails as a request',
    /ConstraintError/,
    (original) =>
      function (value, key) {
        original.call(this, value, key);
        return this.add(value, key);
      },
  ],
];

/** Saves while write `index` is broken. @returns false if the save fails as expected; true if it has fewer writes. */
async function saveSucceeds(
  store: IndexedDbStore,
  sample: Sample,
  index: number,
  broken: (original: Put) => Put,
  cause: RegExp,
): Promise<boolean> {
  let puts = 0;
  const breaking = (original: Put): Put =>
    function (value, key) {
      return (puts++ === index ? broken(original) : original).call(this, value, key);
    };
  return withPut(breaking, async () => {
    const saving = store.save(sourceOf(sample), { into: ['last', 'epoch-1'], keep: ['best'] });
    await saving.catch(() => undefined);
    if (puts <= index) return true;
    const error = await rejectionWith(saving, 'ENTROPY_STORE_FAILED');
    assert.match((error.cause as Error).name, cause);
    assert.include(error.message, store.name);
    assert.include(error.message, 'unchanged');
    return false;
  });
}

const failingWrites: IndexedDbCase[] = BROKEN_PUTS.map(([what, cause, broken]) => ({
  name: `keeps the previous checkpoints and leaves no shard when any write of a save ${what}`,
  async run(location) {
    const [one, two, three] = [
      await sampleOf(1, { frozenShards: 2 }),
      await sampleOf(2),
      await sampleOf(3, { frozenShards: 2 }),
    ];
    const store = new IndexedDbStore(location);
    await store.open();
    await store.save(sourceOf(one), INTO_BEST);
    await store.save(sourceOf(two), { into: ['last'], keep: ['best'] });
    let failures = 0;
    while (!(await saveSucceeds(store, three, failures, broken, cause))) {
      failures++;
      await assertStored(store, one, 'best');
      await assertStored(store, two, 'last');
      await assertStored(store, null, 'epoch-1');
      await assertNoLeftovers(location);
    }
    // A save writes five shards and two manifests.
    assert.equal(failures, 7);
    await assertStored(store, one, 'best');
    await assertStored(store, three, 'last');
    await assertStored(store, three, 'epoch-1');
    await assertNoLeftovers(location);
    store.close();
  },
}));

const leftovers: IndexedDbCase[] = [
  {
    name: 'removes the leftovers of a closed tab on `open`, in its own location only',
    async run(location) {
      const store = new IndexedDbStore(location);
      const other = new IndexedDbStore(`${location}/other`);
      const sample = await sampleOf(1);
      await store.save(sourceOf(sample), INTO_BEST);
      await other.save(sourceOf(sample), INTO_BEST);
      await putRaw('shards', location, LEFTOVER, new ArrayBuffer(9));
      await putRaw('shards', `${location}/other`, LEFTOVER, new ArrayBuffer(9));
      await store.open();
      store.close();
      await assertNoLeftovers(location);
      assert.equal((await rawRecords(`${location}/other`)).shards[LEFTOVER], 9);
      await assertStored(store, sample);
      await assertStored(other, sample);
    },
  },
  {
    name: 'removes the leftovers of a closed tab on the next save',
    async run(location) {
      const store = new IndexedDbStore(location);
      await store.open();
      await putRaw('shards', location, LEFTOVER, new ArrayBuffer(9));
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      store.close();
      await assertNoLeftovers(location);
    },
  },
  {
    name: 'deletes the shards of a replaced checkpoint, except those still in use',
    async run(location) {
      const store = new IndexedDbStore(location);
      for (const step of [1, 2, 3]) {
        const sample = await sampleOf(step, { frozenShards: 2 });
        await store.save(sourceOf(sample), { into: ['last'], keep: [] });
        assert.lengthOf(Object.keys((await rawRecords(location)).shards), sample.manifest.shards.length);
        await assertNoLeftovers(location);
      }
    },
  },
  {
    name: 'stores only the bytes of a shard that is shorter than the buffer',
    async run(location) {
      const sample = await sampleOf(1);
      await new IndexedDbStore(location).save(sourceOf(sample), INTO_BEST);
      const { shards } = await rawRecords(location);
      for (const { sizeBytes, sha256 } of sample.manifest.shards) assert.equal(shards[sha256], sizeBytes);
    },
  },
];

/** What a save writes, and what a failed one leaves. */
export const indexedDbWriteCases: readonly IndexedDbCase[] = [...failingWrites, ...leftovers];

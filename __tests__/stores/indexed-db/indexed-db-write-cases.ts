import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { putRaw, rawRecords } from './raw-database.js';
import { assertNoLeftovers, type IndexedDbCase } from './indexed-db-case.js';
import { assertHolds, sampleOf, sourceOf, type Sample } from '../conformance/sample.js';
import { INTO_BEST, refusal } from '../conformance/store-case.js';

/** A shard that a closed tab may have left. */
const LEFTOVER = '0123456789abcdef'.repeat(4);

type Put = (this: IDBObjectStore, value: unknown, key: IDBValidKey) => IDBRequest<IDBValidKey>;

/** Runs `action` with `put` of every object store replaced. */
async function withPut<T>(replace: (original: Put) => Put, action: () => Promise<T>): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the `this` that it is called with.
  const original = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = replace(original) as typeof original;
  try {
    return await action();
  } finally {
    IDBObjectStore.prototype.put = original;
  }
}

/** Ways in which the nth write of a save can fail. */
const BROKEN_PUTS: readonly (readonly [what: string, cause: RegExp, put: (original: Put) => Put])[] = [
  [
    'throws for want of room',
    /QuotaExceededError/,
    () => () => {
      throw new DOMException('There is no room.', 'QuotaExceededError');
    },
  ],
  [
    'is of a transaction that aborts',
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

/** Saves with write `index` broken. False if that fails as it should; true if there are fewer writes. */
async function savesDespite(
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
    const error = await refusal(saving, 'ENTROPY_STORE_FAILED');
    assert.match((error.cause as Error).name, cause);
    assert.include(error.message, store.name);
    assert.include(error.message, 'unchanged');
    return false;
  });
}

const failingWrites: IndexedDbCase[] = BROKEN_PUTS.map(([what, cause, broken]) => ({
  name: `whichever write of a save ${what}: the previous checkpoints stay whole, and no shard stays behind`,
  async run(place) {
    const [one, two, three] = [
      await sampleOf(1, { frozenShards: 2 }),
      await sampleOf(2),
      await sampleOf(3, { frozenShards: 2 }),
    ];
    const store = new IndexedDbStore(place);
    await store.open();
    await store.save(sourceOf(one), INTO_BEST);
    await store.save(sourceOf(two), { into: ['last'], keep: ['best'] });
    let failures = 0;
    while (!(await savesDespite(store, three, failures, broken, cause))) {
      failures++;
      await assertHolds(store, one, 'best');
      await assertHolds(store, two, 'last');
      await assertHolds(store, null, 'epoch-1');
      await assertNoLeftovers(place);
    }
    // Five shards and two manifests.
    assert.equal(failures, 7);
    await assertHolds(store, one, 'best');
    await assertHolds(store, three, 'last');
    await assertHolds(store, three, 'epoch-1');
    await assertNoLeftovers(place);
    store.close();
  },
}));

const leftovers: IndexedDbCase[] = [
  {
    name: 'what a closed tab has left is removed when the store is opened, and of this place only',
    async run(place) {
      const store = new IndexedDbStore(place);
      const other = new IndexedDbStore(`${place}/other`);
      const sample = await sampleOf(1);
      await store.save(sourceOf(sample), INTO_BEST);
      await other.save(sourceOf(sample), INTO_BEST);
      await putRaw('shards', place, LEFTOVER, new ArrayBuffer(9));
      await putRaw('shards', `${place}/other`, LEFTOVER, new ArrayBuffer(9));
      await store.open();
      store.close();
      await assertNoLeftovers(place);
      assert.equal((await rawRecords(`${place}/other`)).shards[LEFTOVER], 9);
      await assertHolds(store, sample);
      await assertHolds(other, sample);
    },
  },
  {
    name: 'what a closed tab has left is removed by the next save',
    async run(place) {
      const store = new IndexedDbStore(place);
      await store.open();
      await putRaw('shards', place, LEFTOVER, new ArrayBuffer(9));
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      store.close();
      await assertNoLeftovers(place);
    },
  },
  {
    name: 'a save makes the shards of what it replaces go, and keeps those that are used',
    async run(place) {
      const store = new IndexedDbStore(place);
      for (const step of [1, 2, 3]) {
        const sample = await sampleOf(step, { frozenShards: 2 });
        await store.save(sourceOf(sample), { into: ['last'], keep: [] });
        assert.lengthOf(Object.keys((await rawRecords(place)).shards), sample.manifest.shards.length);
        await assertNoLeftovers(place);
      }
    },
  },
  {
    name: 'a shard that is shorter than the buffer is stored without the rest of it',
    async run(place) {
      const sample = await sampleOf(1);
      await new IndexedDbStore(place).save(sourceOf(sample), INTO_BEST);
      const { shards } = await rawRecords(place);
      for (const { sizeBytes, sha256 } of sample.manifest.shards) assert.equal(shards[sha256], sizeBytes);
    },
  },
];

/** What a save writes, and what it leaves when it fails. */
export const indexedDbWriteCases: readonly IndexedDbCase[] = [...failingWrites, ...leftovers];

import { assert } from 'chai';
import { assertStored, assertMatches, sampleOf, sourceOf } from './sample.js';
import type { StoreCase } from './store-case.js';

/** Only for stores that hold several checkpoints. */
export const slotCases: readonly StoreCase[] = [
  {
    name: 'fills several slots in one save',
    capacity: 'many',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await store.save(sourceOf(sample), { into: ['best', 'last', 'fit-2-epoch-7'], keep: [] });
      assert.sameMembers([...(await store.slots())], ['best', 'last', 'fit-2-epoch-7']);
      await assertStored(store, sample, 'best');
      await assertStored(store, sample, 'last');
      await assertStored(store, sample, 'fit-2-epoch-7');
      await assertStored(store, null, 'epoch-7');
    },
  },
  {
    name: 'keeps the slots in `keep`, and empties all others',
    capacity: 'many',
    async run(makeStore) {
      const [one, two, three] = [await sampleOf(1), await sampleOf(2), await sampleOf(3)];
      const store = makeStore();
      await store.open();
      await store.save(sourceOf(one), { into: ['best', 'last'], keep: [] });
      await store.save(sourceOf(two), { into: ['last', 'epoch-1'], keep: ['best'] });
      await assertStored(store, one, 'best');
      await assertStored(store, two, 'last');
      await assertStored(store, two, 'epoch-1');
      await store.save(sourceOf(three), { into: ['last'], keep: ['epoch-1', 'epoch-0'] });
      assert.sameMembers([...(await store.slots())], ['last', 'epoch-1']);
      await assertStored(store, null, 'best');
      await assertStored(store, three, 'last');
      await assertStored(store, two, 'epoch-1');
      store.close();
    },
  },
  {
    name: 'keeps a shared shard until the last checkpoint with it is gone',
    capacity: 'many',
    async run(makeStore) {
      const sizes = { frozenShards: 2 };
      const steps = await Promise.all([1, 2, 3].map((step) => sampleOf(step, sizes)));
      const [one, two, three] = steps as [(typeof steps)[0], (typeof steps)[0], (typeof steps)[0]];
      assert.equal(one.manifest.shards[1]!.sha256, two.manifest.shards[1]!.sha256);
      assert.notEqual(one.manifest.shards[2]!.sha256, two.manifest.shards[2]!.sha256);
      const store = makeStore();
      await store.save(sourceOf(one), { into: ['best'], keep: [] });
      await store.save(sourceOf(two), { into: ['last'], keep: ['best'] });
      await store.save(sourceOf(three), { into: ['epoch-3'], keep: ['last'] });
      await assertStored(store, two, 'last');
      await assertStored(store, three, 'epoch-3');
      await store.save(sourceOf(one), { into: ['last'], keep: [] });
      await assertStored(store, one, 'last');
    },
  },
  {
    name: 'saves a stored checkpoint again, into the same slot and another',
    capacity: 'many',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await store.save(sourceOf(sample), { into: ['last'], keep: [] });
      await store.save(sourceOf(sample), { into: ['best'], keep: ['last'] });
      await store.save(sourceOf(sample), { into: ['best'], keep: [] });
      assert.deepEqual(await store.slots(), ['best']);
      await assertStored(store, sample);
    },
  },
  {
    name: 'keeps a loaded checkpoint readable after its slot is emptied',
    capacity: 'many',
    async run(makeStore) {
      const one = await sampleOf(1);
      const store = makeStore();
      await store.save(sourceOf(one), { into: ['epoch-1'], keep: [] });
      const stored = await store.load('epoch-1');
      await store.save(sourceOf(await sampleOf(2)), { into: ['epoch-2'], keep: [] });
      await store.save(sourceOf(await sampleOf(3)), { into: ['epoch-3'], keep: [] });
      await assertStored(store, null, 'epoch-1');
      await assertMatches(stored, one);
      await stored!.close();
    },
  },
  {
    name: 'leaves every slot unchanged when a save fails',
    capacity: 'many',
    async run(makeStore) {
      const [one, two] = [await sampleOf(1, { frozenShards: 2 }), await sampleOf(2)];
      const store = makeStore();
      await store.save(sourceOf(one), { into: ['best'], keep: [] });
      await store.save(sourceOf(two), { into: ['last'], keep: ['best'] });
      const failing = sourceOf(await sampleOf(3, { frozenShards: 2 }), {
        beforeManifest: () => Promise.reject(new Error('no')),
      });
      const save = store.save(failing, { into: ['last', 'epoch-1'], keep: [] });
      assert.instanceOf(await save.catch((error: unknown) => error), Error);
      assert.sameMembers([...(await store.slots())], ['best', 'last']);
      await assertStored(store, one, 'best');
      await assertStored(store, two, 'last');
    },
  },
];

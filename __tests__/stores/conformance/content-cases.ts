import { assert } from 'chai';
import { SHARD_BYTES, type CheckpointStore } from '../../../src/stores/store.js';
import { assertHolds, assertIs, emptySample, sameBytes, sampleOf, sourceOf, type Sample } from './sample.js';
import { INTO_BEST, type StoreCase } from './store-case.js';

async function saved(store: CheckpointStore, sample: Sample): Promise<void> {
  await store.save(sourceOf(sample), INTO_BEST);
}

/** What comes out is what went in. */
export const contentCases: readonly StoreCase[] = [
  {
    name: 'where nothing is stored there are no slots, and null is loaded',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      assert.deepEqual(await store.slots(), []);
      await assertHolds(store, null);
      await store.open();
      assert.deepEqual(await store.slots(), []);
      await assertHolds(store, null);
      store.close();
    },
  },
  {
    name: 'a checkpoint in several shards comes back as it was saved, from another store of the place',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      assert.isAbove(sample.manifest.shards.length, 3);
      assert.notEqual(sample.bytes.length % 4, 0);
      const store = makeStore();
      await store.open();
      await saved(store, sample);
      store.close();
      const other = makeStore();
      assert.deepEqual(await other.slots(), ['best']);
      await assertHolds(other, sample);
    },
  },
  {
    name: 'a checkpoint in shards of the largest size comes back',
    capacity: 'one',
    isLarge: true,
    async run(makeStore) {
      const sample = await sampleOf(1, { elements: SHARD_BYTES / 2 + 1, shardBytes: SHARD_BYTES });
      assert.deepEqual(
        sample.manifest.shards.map(({ sizeBytes }) => sizeBytes),
        [SHARD_BYTES, SHARD_BYTES, 11],
      );
      const store = makeStore();
      await saved(store, sample);
      await assertHolds(store, sample);
    },
  },
  {
    name: 'a checkpoint whose weights have no elements comes back',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await saved(store, emptySample());
      await assertHolds(store, emptySample());
    },
  },
  {
    name: 'two shards of the same content come back as two',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1, { elements: 500, shardBytes: 669 });
      const [first, , third] = sample.manifest.shards;
      assert.equal(third?.sizeBytes, 669);
      const bytes = sample.bytes.slice();
      bytes.copyWithin(2 * 669, 0, 669);
      const shards = [...sample.manifest.shards];
      shards[2] = first!;
      const own = { step: 1, shards: shards.map((shard) => ({ ...shard })) };
      const manifest = { ...sample.manifest, shards, metadata: { entropyCheckpoint: own } };
      const store = makeStore();
      await saved(store, { manifest, bytes });
      await assertHolds(store, { manifest, bytes });
    },
  },
  {
    name: 'any range of the weights can be read, in any order, and no byte beside it is touched',
    capacity: 'one',
    async run(makeStore) {
      const { manifest, bytes } = await sampleOf(1);
      const store = makeStore();
      await saved(store, { manifest, bytes });
      const stored = await store.load('best');
      const ranges = [
        [3000, 1007],
        [0, 3],
        [998, 2],
        [999, 999],
        [5, 3500],
        [4007, 0],
        [0, 0],
      ] as const;
      for (const [position, length] of ranges) {
        const buffer = new Uint8Array(length + 2).fill(77);
        await stored!.read(position, buffer.subarray(1, 1 + length));
        const expected = new Uint8Array(length + 2).fill(77);
        expected.set(bytes.subarray(position, position + length), 1);
        assert.isTrue(sameBytes(buffer, expected), `${length} bytes from ${position}`);
      }
      await stored!.close();
    },
  },
  {
    name: 'what is beyond the weights cannot be read',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await saved(store, sample);
      const stored = await store.load('best');
      const beyond = stored!.read(sample.bytes.length - 1, new Uint8Array(2));
      assert.instanceOf(await beyond.catch((error: unknown) => error), RangeError);
      await stored!.close();
    },
  },
  {
    name: 'a checkpoint is replaced by the next, also where that is smaller',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      for (const [step, elements] of [
        [1, 1000],
        [2, 1500],
        [3, 10],
      ] as const) {
        const sample = await sampleOf(step, { elements });
        await saved(store, sample);
        await assertHolds(store, sample);
      }
      store.close();
      await assertHolds(makeStore(), await sampleOf(3, { elements: 10 }));
    },
  },
  {
    name: 'a checkpoint that was loaded stays readable while it is replaced, and afterwards',
    capacity: 'one',
    async run(makeStore) {
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      const store = makeStore();
      await store.open();
      await saved(store, first);
      const stored = await store.load('best');
      const readFirst = async (): Promise<void> => {
        await assertIs(stored, first);
      };
      await store.save(sourceOf(second, { beforeShard: readFirst, beforeHead: readFirst }), INTO_BEST);
      await readFirst();
      await saved(store, await sampleOf(3));
      store.close();
      await readFirst();
      await stored!.close();
      await stored!.close();
    },
  },
  {
    name: 'what is done to the saved and the loaded objects does not change what is stored',
    capacity: 'one',
    async run(makeStore) {
      const given = await sampleOf(1);
      const store = makeStore();
      await saved(store, given);
      (given.manifest.modelTopology as Record<string, unknown>)['class_name'] = 'Changed';
      given.bytes.fill(0);
      const stored = await store.load('best');
      const found = new Uint8Array(given.bytes.length);
      await stored!.read(0, found);
      found.fill(0);
      await stored!.close();
      await assertHolds(store, await sampleOf(1));
    },
  },
  {
    name: 'shards have names, for messages',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await saved(store, sample);
      const stored = await store.load('best');
      const names = sample.manifest.shards.map((_shard, i) => stored!.shardName(i));
      assert.lengthOf(new Set(names), names.length);
      await stored!.close();
    },
  },
];

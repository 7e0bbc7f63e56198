import { assert } from 'chai';
import { SHARD_BYTES, type CheckpointStore } from '../../../src/stores/store.js';
import {
  assertStored,
  assertMatches,
  emptySample,
  sameBytes,
  sampleOf,
  sourceOf,
  type Sample,
} from './sample.js';
import { INTO_BEST, type StoreCase } from './store-case.js';

async function saveToBest(store: CheckpointStore, sample: Sample): Promise<void> {
  await store.save(sourceOf(sample), INTO_BEST);
}

/** A store returns what was saved. */
export const contentCases: readonly StoreCase[] = [
  {
    name: 'lists no slots and loads null when nothing is stored',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      assert.deepEqual(await store.slots(), []);
      await assertStored(store, null);
      await store.open();
      assert.deepEqual(await store.slots(), []);
      await assertStored(store, null);
      store.close();
    },
  },
  {
    name: 'returns a checkpoint of several shards unchanged, also through another store of the same location',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      assert.isAbove(sample.manifest.shards.length, 3);
      assert.notEqual(sample.bytes.length % 4, 0);
      const store = makeStore();
      await store.open();
      await saveToBest(store, sample);
      store.close();
      const other = makeStore();
      assert.deepEqual(await other.slots(), ['best']);
      await assertStored(other, sample);
    },
  },
  {
    name: 'returns the same manifest without the weights, if it can read it alone',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      if (store.loadManifest === undefined) return;
      assert.isNull(await store.loadManifest('best'));
      const sample = await sampleOf(1);
      await saveToBest(store, sample);
      assert.deepEqual((await store.loadManifest('best'))?.manifest, sample.manifest);
      assert.isNull(await store.loadManifest('last'));
    },
  },
  {
    name: 'returns a checkpoint whose shards have the maximum size',
    capacity: 'one',
    isLarge: true,
    async run(makeStore) {
      const sample = await sampleOf(1, { elements: SHARD_BYTES / 2 + 1, shardBytes: SHARD_BYTES });
      assert.deepEqual(
        sample.manifest.shards.map(({ sizeBytes }) => sizeBytes),
        [SHARD_BYTES, SHARD_BYTES, 11],
      );
      const store = makeStore();
      await saveToBest(store, sample);
      await assertStored(store, sample);
    },
  },
  {
    name: 'returns a checkpoint whose weights have no elements',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await saveToBest(store, emptySample());
      await assertStored(store, emptySample());
    },
  },
  {
    name: 'returns two shards of equal content',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1, { elements: 500, shardBytes: 669 });
      const [first, , third] = sample.manifest.shards;
      assert.equal(third?.sizeBytes, 669);
      const bytes = sample.bytes.slice();
      bytes.copyWithin(2 * 669, 0, 669);
      const shards = [...sample.manifest.shards];
      shards[2] = first!;
      const entry = { step: 1, shards: shards.map((shard) => ({ ...shard })) };
      const manifest = { ...sample.manifest, shards, metadata: { entropyCheckpoint: entry } };
      const store = makeStore();
      await saveToBest(store, { manifest, bytes });
      await assertStored(store, { manifest, bytes });
    },
  },
  {
    name: 'reads any range of the weights, in any order, without touching bytes outside the target',
    capacity: 'one',
    async run(makeStore) {
      const { manifest, bytes } = await sampleOf(1);
      const store = makeStore();
      await saveToBest(store, { manifest, bytes });
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
    name: 'rejects a range beyond the weights',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await saveToBest(store, sample);
      const stored = await store.load('best');
      const beyond = stored!.read(sample.bytes.length - 1, new Uint8Array(2));
      assert.instanceOf(await beyond.catch((error: unknown) => error), RangeError);
      await stored!.close();
    },
  },
  {
    name: 'replaces a checkpoint by the next one, even a smaller one',
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
        await saveToBest(store, sample);
        await assertStored(store, sample);
      }
      store.close();
      await assertStored(makeStore(), await sampleOf(3, { elements: 10 }));
    },
  },
  {
    name: 'keeps a loaded checkpoint readable while and after it is replaced',
    capacity: 'one',
    async run(makeStore) {
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      const store = makeStore();
      await store.open();
      await saveToBest(store, first);
      const stored = await store.load('best');
      const readFirst = async (): Promise<void> => {
        await assertMatches(stored, first);
      };
      await store.save(sourceOf(second, { beforeShard: readFirst, beforeManifest: readFirst }), INTO_BEST);
      await readFirst();
      await saveToBest(store, await sampleOf(3));
      store.close();
      await readFirst();
      await stored!.close();
      await stored!.close();
    },
  },
  {
    name: 'does not change when the caller changes saved or loaded objects',
    capacity: 'one',
    async run(makeStore) {
      const given = await sampleOf(1);
      const store = makeStore();
      await saveToBest(store, given);
      (given.manifest.modelTopology as Record<string, unknown>)['class_name'] = 'Changed';
      given.bytes.fill(0);
      const stored = await store.load('best');
      const found = new Uint8Array(given.bytes.length);
      await stored!.read(0, found);
      found.fill(0);
      await stored!.close();
      await assertStored(store, await sampleOf(1));
    },
  },
  {
    name: 'names each shard, for messages',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sampleOf(1);
      const store = makeStore();
      await saveToBest(store, sample);
      const stored = await store.load('best');
      const names = sample.manifest.shards.map((_shard, i) => stored!.shardName(i));
      assert.lengthOf(new Set(names), names.length);
      await stored!.close();
    },
  },
];

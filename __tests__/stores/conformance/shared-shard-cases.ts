import { assert } from 'chai';
import type { CheckpointSource, CheckpointStore, ShardSpec } from '../../../src/stores/store.js';
import { assertStored, sampleOf, sha256, sourceOf, type Sample } from './sample.js';
import { INTO_BEST, rejectionWith, type StoreCase } from './store-case.js';

const SHARED_BYTES = 400;

/** A sample whose last shards are shared ones. */
interface SharingSample extends Sample {
  readonly own: Sample;
  readonly shared: readonly (ShardSpec & { readonly content: Uint8Array<ArrayBuffer> })[];
}

/** @param shared the contents of the shared shards; equal numbers make equal shards. */
async function sharingSample(step: number, shared: readonly number[]): Promise<SharingSample> {
  const own = await sampleOf(step);
  const shards = await Promise.all(
    shared.map(async (content) => {
      const bytes = new Uint8Array(SHARED_BYTES).map((_, i) => i * content);
      return { sizeBytes: SHARED_BYTES, sha256: await sha256(bytes), content: bytes };
    }),
  );
  const specs = shards.map(({ content: _content, ...spec }) => spec);
  const allShards = [...own.manifest.shards, ...specs];
  const { metadata, weightSpecs } = own.manifest;
  const shape = [(SHARED_BYTES * shared.length) / 4];
  const entry = {
    ...(metadata['entropyCheckpoint'] as object),
    shards: allShards.map((shard) => ({ ...shard })),
  };
  return {
    own,
    shared: shards,
    bytes: new Uint8Array([...own.bytes, ...shards.flatMap(({ content }) => [...content])]),
    manifest: {
      ...own.manifest,
      weightSpecs: [...weightSpecs, { name: 'history', shape, dtype: 'int32', group: 'optimizer' }],
      metadata: { ...metadata, entropyCheckpoint: entry },
      shards: allShards,
    },
  };
}

/** @param asked receives the index of each shared shard whose bytes the store asks for. */
function sharingSource({ own, shared, manifest }: SharingSample, asked: number[] = []): CheckpointSource {
  return {
    ...sourceOf(own),
    sharedShards: () =>
      Promise.resolve(
        shared.map(({ content, ...spec }, i) => ({
          ...spec,
          bytes: () => {
            asked.push(i);
            return Promise.resolve(content.slice());
          },
        })),
      ),
    manifest: () => Promise.resolve(manifest),
  };
}

async function save(store: CheckpointStore, sample: SharingSample): Promise<number[]> {
  const asked: number[] = [];
  await store.save(sharingSource(sample, asked), INTO_BEST);
  return asked;
}

/** Shards that several checkpoints have. */
export const sharedShardCases: readonly StoreCase[] = [
  {
    name: 'returns the shared shards of a checkpoint after its own',
    capacity: 'one',
    async run(makeStore) {
      const sample = await sharingSample(1, [3, 5]);
      await save(makeStore(), sample);
      await assertStored(makeStore(), sample);
    },
  },
  {
    name: 'asks for the bytes of shared shards once while it is open',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      assert.deepEqual(await save(store, await sharingSample(1, [3, 5])), [0, 1]);
      assert.deepEqual(await save(store, await sharingSample(2, [3, 5])), []);
      const third = await sharingSample(3, [3, 5, 7]);
      assert.deepEqual(await save(store, third), [2]);
      store.close();
      await assertStored(makeStore(), third);
    },
  },
  {
    name: 'writes a shared shard again once no slot had it',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      await save(store, await sharingSample(1, [3, 5]));
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      const third = await sharingSample(3, [3, 5]);
      await save(store, third);
      store.close();
      await assertStored(makeStore(), third);
    },
  },
  {
    name: 'keeps a shared shard as long as one slot has it',
    capacity: 'many',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      const first = await sharingSample(1, [3, 5]);
      await store.save(sharingSource(first), { into: ['best', 'epoch-1'], keep: [] });
      const second = await sharingSample(2, [9]);
      await store.save(sharingSource(second), { into: ['best'], keep: ['epoch-1'] });
      const third = await sharingSample(3, [3, 9]);
      await store.save(sharingSource(third), { into: ['last'], keep: ['best', 'epoch-1'] });
      store.close();
      await assertStored(makeStore(), first, 'epoch-1');
      await assertStored(makeStore(), second, 'best');
      await assertStored(makeStore(), third, 'last');
    },
  },
  {
    name: 'keeps the previous checkpoint when the bytes of a shared shard cannot be made',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      const first = await sharingSample(1, [3]);
      await save(store, first);
      const second = await sharingSample(2, [3, 5]);
      const source = sharingSource(second);
      const failing = {
        ...source,
        sharedShards: async () =>
          ((await source.sharedShards?.()) ?? []).map((shard, i) =>
            i === 0 ? shard : { ...shard, bytes: () => Promise.reject(new Error('No bytes.')) },
          ),
      };
      await rejectionWith(store.save(failing, INTO_BEST), 'ENTROPY_STORE_FAILED');
      await assertStored(store, first);
      await save(store, second);
      store.close();
      await assertStored(makeStore(), second);
    },
  },
];

import { assert } from 'chai';
import { EntropyCheckpointError } from '../../../src/errors.js';
import type { CheckpointStore, Json } from '../../../src/stores/store.js';
import { assertStored, sampleOf, sourceOf, withMetadata, type SourceHooks, type Sample } from './sample.js';
import { INTO_BEST, rejectionWith, type StoreCase } from './store-case.js';

const BROKEN = new Error('The device was lost.');

/** The moments at which a source can fail. */
const FAILURES: readonly (readonly [string, SourceHooks])[] = [
  ['the first shard', { beforeShard: failAt(0) }],
  ['a shard in the middle', { beforeShard: failAt(2) }],
  ['the read after the last shard', { beforeShard: failAt(5) }],
  ['the checksum of the first shard', { beforeChecksum: failAt(0) }],
  ['the checksum of the last shard', { beforeChecksum: failAt(4) }],
  ['the manifest', { beforeManifest: () => Promise.reject(BROKEN) }],
];

function failAt(index: number): (at: number) => Promise<void> {
  return (at) => (at === index ? Promise.reject(BROKEN) : Promise.resolve());
}

/** Checks that a failing save keeps the previous checkpoint, names the error, and can be repeated. */
async function expectFailure(
  makeStore: () => CheckpointStore,
  hooksOf: (sample: Sample) => SourceHooks,
  before: Sample | null,
): Promise<EntropyCheckpointError> {
  const store = makeStore();
  await store.open();
  if (before !== null) await store.save(sourceOf(before), INTO_BEST);
  const sample = await sampleOf(2);
  const saving = store.save(sourceOf(sample, hooksOf(sample)), INTO_BEST);
  const error = await rejectionWith(saving, 'ENTROPY_STORE_FAILED');
  assert.include(error.message, store.name);
  await assertStored(store, before);
  assert.deepEqual(await store.slots(), before === null ? [] : ['best']);
  await store.save(sourceOf(sample), INTO_BEST);
  await assertStored(store, sample);
  store.close();
  return error;
}

const failingSources: StoreCase[] = FAILURES.flatMap(([where, hooks]) =>
  [false, true].map((hasPrevious) => ({
    name: `keeps ${hasPrevious ? 'the previous checkpoint' : 'the slot empty'} when the source fails at ${where}`,
    capacity: 'one' as const,
    async run(makeStore) {
      const previous = hasPrevious ? await sampleOf(1) : null;
      const error = await expectFailure(makeStore, () => hooks, previous);
      assert.equal(error.cause, BROKEN);
    },
  })),
);

/** Manifests that `load` would refuse. */
const REFUSED: readonly (readonly [string, (sample: Sample) => Sample['manifest']])[] = [
  [
    'that names other shards than were read',
    ({ manifest }) => {
      const shards = [...manifest.shards].reverse();
      const entry = { shards: shards.map((shard) => ({ ...shard })) };
      return { ...withMetadata(manifest, { entropyCheckpoint: entry }), shards };
    },
  ],
  [
    'whose record has no shards',
    ({ manifest }) => withMetadata(manifest, { entropyCheckpoint: { step: 2 } }),
  ],
  [
    'whose weights have another size than its shards',
    ({ manifest }) => ({ ...manifest, weightSpecs: manifest.weightSpecs.slice(1, 3) }),
  ],
  [
    'with a key `__proto__`',
    ({ manifest }) => withMetadata(manifest, { mine: JSON.parse('[{"__proto__": {"a": 1}}]') as Json }),
  ],
  ['with a weight that has no shape', ({ manifest }) => ({ ...manifest, weightSpecs: [{} as never] })],
];

const refusedManifests: StoreCase[] = REFUSED.map(([what, changed]) => ({
  name: `refuses a manifest ${what}, and keeps the previous checkpoint`,
  capacity: 'one',
  async run(makeStore) {
    await expectFailure(makeStore, (sample) => ({ manifest: changed(sample) }), await sampleOf(1));
  },
}));

export const failureCases: readonly StoreCase[] = [
  ...failingSources,
  ...refusedManifests,
  {
    name: "passes on this package's own errors unchanged",
    capacity: 'one',
    async run(makeStore) {
      const expected = new EntropyCheckpointError('ENTROPY_UNSUPPORTED_MODEL', 'Not this one.');
      const source = sourceOf(await sampleOf(1), { beforeManifest: () => Promise.reject(expected) });
      const store = makeStore();
      assert.equal(await store.save(source, INTO_BEST).catch((error: unknown) => error), expected);
      await assertStored(store, null);
    },
  },
];

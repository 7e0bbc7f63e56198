import { assert } from 'chai';
import { EntropyCheckpointError } from '../../../src/errors.js';
import type { CheckpointStore, Json } from '../../../src/stores/store.js';
import { assertHolds, sampleOf, sourceOf, withMetadata, type Happenings, type Sample } from './sample.js';
import { INTO_BEST, refusal, type StoreCase } from './store-case.js';

const BROKEN = new Error('The device was lost.');

/** Where a source can fail. */
const FAILURES: readonly (readonly [string, Happenings])[] = [
  ['the first shard', { beforeShard: failAt(0) }],
  ['a shard in the middle', { beforeShard: failAt(2) }],
  ['what comes after the last shard', { beforeShard: failAt(5) }],
  ['the checksum of the first shard', { beforeChecksum: failAt(0) }],
  ['the checksum of the last shard', { beforeChecksum: failAt(4) }],
  ['the manifest', { beforeHead: () => Promise.reject(BROKEN) }],
];

function failAt(index: number): (at: number) => Promise<void> {
  return (at) => (at === index ? Promise.reject(BROKEN) : Promise.resolve());
}

/** A save that fails leaves the previous checkpoint, can be repeated, and says what went wrong. */
async function expectFailure(
  makeStore: () => CheckpointStore,
  happeningsOf: (sample: Sample) => Happenings,
  before: Sample | null,
): Promise<EntropyCheckpointError> {
  const store = makeStore();
  await store.open();
  if (before !== null) await store.save(sourceOf(before), INTO_BEST);
  const sample = await sampleOf(2);
  const saving = store.save(sourceOf(sample, happeningsOf(sample)), INTO_BEST);
  const error = await refusal(saving, 'ENTROPY_STORE_FAILED');
  assert.include(error.message, store.name);
  await assertHolds(store, before);
  assert.deepEqual(await store.slots(), before === null ? [] : ['best']);
  await store.save(sourceOf(sample), INTO_BEST);
  await assertHolds(store, sample);
  store.close();
  return error;
}

const failingSources: StoreCase[] = FAILURES.flatMap(([where, happenings]) =>
  [false, true].map((hasPrevious) => ({
    name: `a source that fails at ${where} leaves ${hasPrevious ? 'the previous checkpoint' : 'nothing'}`,
    capacity: 'one' as const,
    async run(makeStore) {
      const previous = hasPrevious ? await sampleOf(1) : null;
      const error = await expectFailure(makeStore, () => happenings, previous);
      assert.equal(error.cause, BROKEN);
    },
  })),
);

/** Heads that `load` would refuse. */
const REFUSED: readonly (readonly [string, (sample: Sample) => Sample['manifest']])[] = [
  [
    'of other shards than were read',
    ({ manifest }) => {
      const shards = [...manifest.shards].reverse();
      const own = { shards: shards.map((shard) => ({ ...shard })) };
      return { ...withMetadata(manifest, { entropyCheckpoint: own }), shards };
    },
  ],
  [
    'whose record has no shards',
    ({ manifest }) => withMetadata(manifest, { entropyCheckpoint: { step: 2 } }),
  ],
  [
    'of weights of another size',
    ({ manifest }) => ({ ...manifest, weightSpecs: manifest.weightSpecs.slice(1, 3) }),
  ],
  [
    'with a key `__proto__`',
    ({ manifest }) => withMetadata(manifest, { mine: JSON.parse('[{"__proto__": {"a": 1}}]') as Json }),
  ],
  ['with a weight of no shape', ({ manifest }) => ({ ...manifest, weightSpecs: [{} as never] })],
];

const refusedHeads: StoreCase[] = REFUSED.map(([what, headOf]) => ({
  name: `a manifest ${what} is not saved, and the previous checkpoint stays`,
  capacity: 'one',
  async run(makeStore) {
    await expectFailure(makeStore, (sample) => ({ manifest: headOf(sample) }), await sampleOf(1));
  },
}));

export const failureCases: readonly StoreCase[] = [
  ...failingSources,
  ...refusedHeads,
  {
    name: "an error of this package's own comes out of a save as it is",
    capacity: 'one',
    async run(makeStore) {
      const own = new EntropyCheckpointError('ENTROPY_UNSUPPORTED_MODEL', 'Not this one.');
      const source = sourceOf(await sampleOf(1), { beforeHead: () => Promise.reject(own) });
      const store = makeStore();
      assert.equal(await store.save(source, INTO_BEST).catch((error: unknown) => error), own);
      await assertHolds(store, null);
    },
  },
];

import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import type { CheckpointManifest } from '../../../src/stores/store.js';
import { putRaw, rawRecords } from './raw-database.js';
import type { IndexedDbCase } from './indexed-db-case.js';
import { assertHolds, sampleOf, sourceOf } from '../conformance/sample.js';
import { INTO_BEST, refusal } from '../conformance/store-case.js';

/** What may have become of a record, and what loading it says. */
const DAMAGE: readonly (readonly [
  what: string,
  says: RegExp,
  damage: (place: string, manifest: CheckpointManifest, text: string) => Promise<void>,
])[] = [
  [
    'a missing shard',
    /shard 1 \(sha256 [0-9a-f]{64}\) is missing/,
    (place, { shards }) => putRaw('shards', place, shards[1]!.sha256, undefined),
  ],
  [
    'a shard of another size',
    /expected 999 bytes of shard 2, got 998/,
    (place, { shards }) => putRaw('shards', place, shards[2]!.sha256, new ArrayBuffer(998)),
  ],
  [
    'a shard of another type',
    /expected 999 bytes of shard 0, got none/,
    (place, { shards }) => putRaw('shards', place, shards[0]!.sha256, { byteLength: 999 }),
  ],
  [
    'a manifest that is no text',
    /text of its manifest, got object/,
    (place) => putRaw('manifests', place, 'best', {}),
  ],
  [
    'a manifest that has been cut off',
    /not JSON/,
    (place, _head, text) => putRaw('manifests', place, 'best', text.slice(0, -1)),
  ],
  ['a manifest that is a list', /not an object/, (place) => putRaw('manifests', place, 'best', '[]')],
  [
    'a key `__proto__`',
    /__proto__/,
    (place, _head, text) =>
      putRaw('manifests', place, 'best', text.replace('"layers":[]', '"layers":[{"__proto__":{}}]')),
  ],
  [
    'a weight of another size',
    /weights have \d+ bytes, its shards \d+/,
    (place, _head, text) => putRaw('manifests', place, 'best', text.replace('"shape":[3]', '"shape":[4]')),
  ],
  [
    'a weight of a size that nothing has',
    /a shape/,
    (place, _head, text) => putRaw('manifests', place, 'best', text.replace('"shape":[3]', '"shape":[-3]')),
  ],
  [
    'a shard that has no checksum',
    /shards/,
    (place, _head, text) => putRaw('manifests', place, 'best', text.replace('"sha256":"', '"sha256":"x')),
  ],
];

const damages: IndexedDbCase[] = DAMAGE.map(([what, says, damage]) => ({
  name: `${what} is seen when it is loaded, and what is damaged can be replaced`,
  async run(place) {
    const sample = await sampleOf(1);
    const store = new IndexedDbStore(place);
    await store.save(sourceOf(sample), { into: ['best', 'last'], keep: [] });
    await damage(place, sample.manifest, (await rawRecords(place)).manifests['best'] as string);
    const error = await refusal(store.load('best'), 'ENTROPY_CORRUPT_CHECKPOINT');
    assert.match(error.message, says);
    assert.include(error.message, `slot 'best' of indexeddb://${place}`);
    assert.sameMembers([...(await store.slots())], ['best', 'last']);
    await store.open();
    await store.save(sourceOf(sample), INTO_BEST);
    store.close();
    await assertHolds(store, sample);
  },
}));

const otherDamages: IndexedDbCase[] = [
  {
    name: 'a model without the record of a checkpoint is not taken for one',
    async run(place) {
      const store = new IndexedDbStore(place);
      await store.open();
      store.close();
      await putRaw('manifests', place, 'best', '{"modelTopology": {}, "metadata": {}}');
      await refusal(store.load('best'), 'ENTROPY_NOT_A_CHECKPOINT');
    },
  },
  {
    name: 'a manifest that is damaged and kept keeps its shards',
    async run(place) {
      const store = new IndexedDbStore(place);
      const sample = await sampleOf(1);
      await store.save(sourceOf(sample), INTO_BEST);
      const text = (await rawRecords(place)).manifests['best'] as string;
      await putRaw('manifests', place, 'best', text.slice(0, -1));
      await store.open();
      await store.save(sourceOf(await sampleOf(2)), { into: ['last'], keep: ['best'] });
      store.close();
      await putRaw('manifests', place, 'best', text);
      await assertHolds(store, sample);
    },
  },
  {
    name: 'what is no slot is not given as one, and goes with the next save',
    async run(place) {
      const store = new IndexedDbStore(place);
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      await putRaw('manifests', place, 'something', '{}');
      assert.deepEqual(await store.slots(), ['best']);
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      assert.hasAllKeys((await rawRecords(place)).manifests, ['best']);
    },
  },
];

/** Records that are not as they were written. */
export const indexedDbDamageCases: readonly IndexedDbCase[] = [...damages, ...otherDamages];

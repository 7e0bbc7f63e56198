import { assert } from 'chai';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import type { CheckpointManifest } from '../../../src/stores/store.js';
import { putRaw, rawRecords } from './raw-database.js';
import type { IndexedDbCase } from './indexed-db-case.js';
import { assertStored, sampleOf, sourceOf } from '../conformance/sample.js';
import { INTO_BEST, rejectionWith } from '../conformance/store-case.js';

/** Kinds of damage to a record, and what the error says. */
const DAMAGE: readonly (readonly [
  what: string,
  says: RegExp,
  damage: (location: string, manifest: CheckpointManifest, text: string) => Promise<void>,
])[] = [
  [
    'a missing shard',
    /shard 1 \(sha256 [0-9a-f]{64}\) is missing/,
    (location, { shards }) => putRaw('shards', location, shards[1]!.sha256, undefined),
  ],
  [
    'a shard of another size',
    /expected 999 bytes of shard 2, got 998/,
    (location, { shards }) => putRaw('shards', location, shards[2]!.sha256, new ArrayBuffer(998)),
  ],
  [
    'a shard of another type',
    /expected 999 bytes of shard 0, got none/,
    (location, { shards }) => putRaw('shards', location, shards[0]!.sha256, { byteLength: 999 }),
  ],
  [
    'a manifest that is not text',
    /text of its manifest, got object/,
    (location) => putRaw('manifests', location, 'best', {}),
  ],
  [
    'a truncated manifest',
    /not JSON/,
    (location, _manifest, text) => putRaw('manifests', location, 'best', text.slice(0, -1)),
  ],
  ['a manifest that is a list', /not an object/, (location) => putRaw('manifests', location, 'best', '[]')],
  [
    'a key `__proto__`',
    /__proto__/,
    (location, _manifest, text) =>
      putRaw('manifests', location, 'best', text.replace('"layers":[]', '"layers":[{"__proto__":{}}]')),
  ],
  [
    'a weight of another size',
    /weights have \d+ bytes, its shards \d+/,
    (location, _manifest, text) =>
      putRaw('manifests', location, 'best', text.replace('"shape":[3]', '"shape":[4]')),
  ],
  [
    'a weight of a negative size',
    /a shape/,
    (location, _manifest, text) =>
      putRaw('manifests', location, 'best', text.replace('"shape":[3]', '"shape":[-3]')),
  ],
  [
    'a shard without a valid checksum',
    /shards/,
    (location, _manifest, text) =>
      putRaw('manifests', location, 'best', text.replace('"sha256":"', '"sha256":"x')),
  ],
];

const damages: IndexedDbCase[] = DAMAGE.map(([what, says, damage]) => ({
  name: `reports ${what} on load, and replaces the damaged checkpoint on save`,
  async run(location) {
    const sample = await sampleOf(1);
    const store = new IndexedDbStore(location);
    await store.save(sourceOf(sample), { into: ['best', 'last'], keep: [] });
    await damage(location, sample.manifest, (await rawRecords(location)).manifests['best'] as string);
    const error = await rejectionWith(store.load('best'), 'ENTROPY_CORRUPT_CHECKPOINT');
    assert.match(error.message, says);
    assert.include(error.message, `slot 'best' of indexeddb://${location}`);
    assert.sameMembers([...(await store.slots())], ['best', 'last']);
    await store.open();
    await store.save(sourceOf(sample), INTO_BEST);
    store.close();
    await assertStored(store, sample);
  },
}));

const otherDamages: IndexedDbCase[] = [
  {
    name: 'refuses to load a model without a checkpoint record',
    async run(location) {
      const store = new IndexedDbStore(location);
      await store.open();
      store.close();
      await putRaw('manifests', location, 'best', '{"modelTopology": {}, "metadata": {}}');
      await rejectionWith(store.load('best'), 'ENTROPY_NOT_A_CHECKPOINT');
    },
  },
  {
    name: 'keeps the shards of a damaged manifest in a kept slot',
    async run(location) {
      const store = new IndexedDbStore(location);
      const sample = await sampleOf(1);
      await store.save(sourceOf(sample), INTO_BEST);
      const text = (await rawRecords(location)).manifests['best'] as string;
      await putRaw('manifests', location, 'best', text.slice(0, -1));
      await store.open();
      await store.save(sourceOf(await sampleOf(2)), { into: ['last'], keep: ['best'] });
      store.close();
      await putRaw('manifests', location, 'best', text);
      await assertStored(store, sample);
    },
  },
  {
    name: 'ignores a record under an unknown slot name, and deletes it on the next save',
    async run(location) {
      const store = new IndexedDbStore(location);
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      await putRaw('manifests', location, 'something', '{}');
      assert.deepEqual(await store.slots(), ['best']);
      await store.save(sourceOf(await sampleOf(2)), INTO_BEST);
      assert.hasAllKeys((await rawRecords(location)).manifests, ['best']);
    },
  },
];

/** Records that were changed after they were written. */
export const indexedDbDamageCases: readonly IndexedDbCase[] = [...damages, ...otherDamages];

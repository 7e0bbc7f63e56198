import { assert } from 'chai';
import { assertStored, sampleOf, sourceOf } from './sample.js';
import { pause } from '../../support/pause.js';
import { gate, INTO_BEST, rejectionWith, type StoreCase } from './store-case.js';

/** One training at a time, and one save at a time, may write to a location. */
export const lockCases: readonly StoreCase[] = [
  {
    name: 'refuses a second training until the first one closes the store',
    capacity: 'one',
    async run(makeStore) {
      const [first, second] = [makeStore(), makeStore()];
      await first.open();
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await rejectionWith(second.open(), 'ENTROPY_STORE_IN_USE');
        assert.include(error.message.toLowerCase(), first.name.toLowerCase());
      }
      first.close();
      await second.open();
      await rejectionWith(first.open(), 'ENTROPY_STORE_IN_USE');
      second.close();
    },
  },
  {
    name: 'refuses to open an open store again, as two trainings may share it',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      await rejectionWith(store.open(), 'ENTROPY_STORE_IN_USE');
      store.close();
    },
  },
  {
    name: 'opens for exactly one of several stores that open at the same moment',
    capacity: 'one',
    async run(makeStore) {
      const stores = Array.from({ length: 5 }, makeStore);
      const outcomes = await Promise.allSettled(stores.map((store) => store.open()));
      assert.lengthOf(
        outcomes.filter(({ status }) => status === 'fulfilled'),
        1,
      );
      for (const store of stores) store.close();
      const other = makeStore();
      await other.open();
      other.close();
    },
  },
  {
    name: 'can be closed at any time, closed twice, and opened again',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      store.close();
      for (let attempt = 0; attempt < 2; attempt++) {
        await store.open();
        store.close();
        store.close();
      }
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      store.close();
      await assertStored(store, await sampleOf(1));
    },
  },
  {
    name: 'locks the location only during a save without `open`',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      await other.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await other.open();
      other.close();
      await assertStored(store, await sampleOf(2));
    },
  },
  {
    name: 'loads without the lock, and waits for the saves begun before',
    capacity: 'one',
    async run(makeStore) {
      const [store, reader] = [makeStore(), makeStore()];
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      await store.open();
      const saving = store.save(sourceOf(first), INTO_BEST);
      const slots = reader.slots();
      const reading = assertStored(reader, first);
      assert.deepEqual(await slots, ['best']);
      await Promise.all([saving, reading]);
      const savingAgain = store.save(sourceOf(second), INTO_BEST);
      store.close();
      await Promise.all([assertStored(store, second), assertStored(reader, second), savingAgain]);
    },
  },
  {
    name: 'loads the previous checkpoint while a save fails',
    capacity: 'one',
    async run(makeStore) {
      const [store, reader] = [makeStore(), makeStore()];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      const broken = sourceOf(await sampleOf(2), { beforeShard: () => Promise.reject(new Error('no')) });
      const failing = rejectionWith(store.save(broken, INTO_BEST), 'ENTROPY_STORE_FAILED');
      await assertStored(reader, await sampleOf(1));
      await failing;
    },
  },
  {
    name: 'runs saves of two stores that are not open, and a later open, in turn',
    capacity: 'one',
    async run(makeStore) {
      const [one, other] = [makeStore(), makeStore()];
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      await Promise.all([
        one.save(sourceOf(first), INTO_BEST),
        other.save(sourceOf(second), INTO_BEST),
        other.open(),
      ]);
      await rejectionWith(makeStore().open(), 'ENTROPY_STORE_IN_USE');
      other.close();
      await assertStored(one, second);
    },
  },
  {
    name: 'holds the lock of a store closed during a save until the save has ended',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      const { opened: mayContinue, open: resume } = gate();
      const { opened: hasBegun, open: reportBegun } = gate();
      const source = sourceOf(await sampleOf(1), {
        beforeShard: async (index) => {
          if (index !== 2) return;
          reportBegun();
          await mayContinue;
        },
      });
      const log: string[] = [];
      await store.open();
      const saving = store.save(source, INTO_BEST).then(() => log.push('saved'));
      await hasBegun;
      store.close();
      const opening = other.open().then(() => log.push('opened'));
      await pause();
      assert.deepEqual(log, []);
      resume();
      await Promise.all([saving, opening]);
      assert.deepEqual(log, ['saved', 'opened']);
      await assertStored(other, await sampleOf(1));
      other.close();
    },
  },
  {
    name: 'runs unawaited saves one after the other, and keeps the last',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      const samples = await Promise.all([1, 2, 3, 4].map((step) => sampleOf(step)));
      let reading = 0;
      const saves = samples.map((sample) => {
        const source = sourceOf(sample, {
          beforeShard: (index) => {
            if (index === 0) reading++;
            assert.equal(reading, 1, 'two sources are read at once');
          },
          beforeManifest: () => {
            reading--;
          },
        });
        return store.save(source, INTO_BEST);
      });
      await Promise.all(saves);
      store.close();
      await assertStored(store, samples[3]!);
    },
  },
  {
    name: 'runs the next save after a failed one, and releases the lock',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      const broken = sourceOf(await sampleOf(1), { beforeShard: () => Promise.reject(new Error('no')) });
      const sound = sourceOf(await sampleOf(2));
      const failing = rejectionWith(store.save(broken, INTO_BEST), 'ENTROPY_STORE_FAILED');
      await Promise.all([failing, store.save(sound, INTO_BEST)]);
      await other.open();
      other.close();
      await assertStored(store, await sampleOf(2));
    },
  },
];

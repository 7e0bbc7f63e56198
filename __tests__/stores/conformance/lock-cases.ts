import { assert } from 'chai';
import { assertHolds, sampleOf, sourceOf } from './sample.js';
import { pause } from '../../support/pause.js';
import { gate, INTO_BEST, refusal, type StoreCase } from './store-case.js';

/** One training at a time, and one save at a time. */
export const claimCases: readonly StoreCase[] = [
  {
    name: 'a second training is refused until the first has closed the store',
    capacity: 'one',
    async run(makeStore) {
      const [first, second] = [makeStore(), makeStore()];
      await first.open();
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await refusal(second.open(), 'ENTROPY_STORE_IN_USE');
        assert.include(error.message.toLowerCase(), first.name.toLowerCase());
      }
      first.close();
      await second.open();
      await refusal(first.open(), 'ENTROPY_STORE_IN_USE');
      second.close();
    },
  },
  {
    name: 'a store that is open cannot be opened again, as it may have been given to two trainings',
    capacity: 'one',
    async run(makeStore) {
      const store = makeStore();
      await store.open();
      await refusal(store.open(), 'ENTROPY_STORE_IN_USE');
      store.close();
    },
  },
  {
    name: 'of several that open at the same moment, one succeeds',
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
    name: 'closing is idempotent, needs no opening, and a closed store can be opened again',
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
      await assertHolds(store, await sampleOf(1));
    },
  },
  {
    name: 'a save without `open` claims the place for its own time',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      await other.save(sourceOf(await sampleOf(2)), INTO_BEST);
      await other.open();
      other.close();
      await assertHolds(store, await sampleOf(2));
    },
  },
  {
    name: 'loading needs no claim, and gives what has been saved before, also where nobody has waited for it',
    capacity: 'one',
    async run(makeStore) {
      const [store, reader] = [makeStore(), makeStore()];
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      await store.open();
      const saving = store.save(sourceOf(first), INTO_BEST);
      const slots = reader.slots();
      const reading = assertHolds(reader, first);
      assert.deepEqual(await slots, ['best']);
      await Promise.all([saving, reading]);
      const savingAgain = store.save(sourceOf(second), INTO_BEST);
      store.close();
      await Promise.all([assertHolds(store, second), assertHolds(reader, second), savingAgain]);
    },
  },
  {
    name: 'loading is not hindered by a save that fails',
    capacity: 'one',
    async run(makeStore) {
      const [store, reader] = [makeStore(), makeStore()];
      await store.save(sourceOf(await sampleOf(1)), INTO_BEST);
      const broken = sourceOf(await sampleOf(2), { beforeShard: () => Promise.reject(new Error('no')) });
      const failing = refusal(store.save(broken, INTO_BEST), 'ENTROPY_STORE_FAILED');
      await assertHolds(reader, await sampleOf(1));
      await failing;
    },
  },
  {
    name: 'saves of two stores that are not open are made in turn, and so is what comes after them',
    capacity: 'one',
    async run(makeStore) {
      const [one, other] = [makeStore(), makeStore()];
      const [first, second] = [await sampleOf(1), await sampleOf(2)];
      await Promise.all([
        one.save(sourceOf(first), INTO_BEST),
        other.save(sourceOf(second), INTO_BEST),
        other.open(),
      ]);
      await refusal(makeStore().open(), 'ENTROPY_STORE_IN_USE');
      other.close();
      await assertHolds(one, second);
    },
  },
  {
    name: 'a store that is closed during a save keeps the place until that has ended',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      const { opened: mayGoOn, open: goOn } = gate();
      const { opened: hasBegun, open: begin } = gate();
      const source = sourceOf(await sampleOf(1), {
        beforeShard: async (index) => {
          if (index !== 2) return;
          begin();
          await mayGoOn;
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
      goOn();
      await Promise.all([saving, opening]);
      assert.deepEqual(log, ['saved', 'opened']);
      await assertHolds(other, await sampleOf(1));
      other.close();
    },
  },
  {
    name: 'saves that nobody waits for are made one after the other, and the last is the one that stays',
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
          beforeHead: () => {
            reading--;
          },
        });
        return store.save(source, INTO_BEST);
      });
      await Promise.all(saves);
      store.close();
      await assertHolds(store, samples[3]!);
    },
  },
  {
    name: 'a save that fails does not fail the one behind it, and gives the place back',
    capacity: 'one',
    async run(makeStore) {
      const [store, other] = [makeStore(), makeStore()];
      const broken = sourceOf(await sampleOf(1), { beforeShard: () => Promise.reject(new Error('no')) });
      const sound = sourceOf(await sampleOf(2));
      const failing = refusal(store.save(broken, INTO_BEST), 'ENTROPY_STORE_FAILED');
      await Promise.all([failing, store.save(sound, INTO_BEST)]);
      await other.open();
      other.close();
      await assertHolds(store, await sampleOf(2));
    },
  },
];

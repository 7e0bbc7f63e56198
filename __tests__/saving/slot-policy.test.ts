import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import type { EpochRecord } from '../../src/epoch-record.js';
import {
  missingEpochs,
  slotOf,
  slotsAfter,
  slotsToLoad,
  slotUpdateFor,
  wantedSlots,
  type StoredSlots,
} from '../../src/saving/slot-policy.js';
import type { CheckpointSlot } from '../../src/stores/store.js';

function recordOf(epoch: number, fit = 0): EpochRecord {
  const entropies = { entropy: 0, trainEntropy: 0, valEntropy: 0 };
  return { epoch, fit, ...entropies, value: 0, isBest: true, logs: {} };
}

const [e0, e1, e2, e3] = [recordOf(0), recordOf(1), recordOf(2), recordOf(3)];

type Slots = Partial<Record<CheckpointSlot, EpochRecord | null>>;

const slots = <T>(object: Partial<Record<CheckpointSlot, T>>): Map<CheckpointSlot, T> =>
  new Map(Object.entries(object) as [CheckpointSlot, T][]);

test.each<[EpochRecord, CheckpointSlot]>([
  [recordOf(7), 'epoch-7'],
  [recordOf(0, 2), 'fit-2-epoch-0'],
])('an epoch that is one of several has its own slot', (record, slot) => {
  expect(slotOf(record)).toBe(slot);
});

describe('wantedSlots', () => {
  test.each<[string, EpochRecord | null, EpochRecord[], EpochRecord | null, number, boolean, Slots]>([
    ['nothing before the first best', null, [], null, 1, false, {}],
    ['the best', e1, [e1], e2, 1, false, { best: e1 }],
    ['the best and the latest', e1, [e1], e2, 1, true, { best: e1, last: e2 }],
    ['the latest before the first best', null, [], e0, 1, true, { last: e0 }],
    ['several, best first', e2, [e2, e0], e2, 2, false, { best: e2, 'epoch-2': e2, 'epoch-0': e0 }],
    [
      'several and the latest, which comes last',
      e2,
      [e2, e0],
      e3,
      2,
      true,
      { best: e2, 'epoch-2': e2, 'epoch-0': e0, last: e3 },
    ],
  ])('%s', (_name, best, ranked, last, maxToKeep, saveLast, expected) => {
    const wanted = wantedSlots({ best, ranked, periodic: [], last }, { maxToKeep, saveLast });
    // In this order: the first is the most important.
    expect([...wanted]).toEqual([...slots(expected)]);
  });
});

describe('wantedSlots with periodic epochs', () => {
  const select = (best: EpochRecord | null, ranked: EpochRecord[]) => ({
    best,
    ranked,
    periodic: [e1, e3],
    last: e3,
  });

  test.each<[string, EpochRecord | null, EpochRecord[], number, boolean, Slots]>([
    ['beside the best', e2, [e2], 1, false, { best: e2, 'periodic-epoch-1': e1, 'periodic-epoch-3': e3 }],
    ['before the first best', null, [], 1, false, { 'periodic-epoch-1': e1, 'periodic-epoch-3': e3 }],
    [
      'in separate slots, after the best ones and before the latest',
      e1,
      [e1, e2],
      Infinity,
      true,
      {
        best: e1,
        'epoch-1': e1,
        'epoch-2': e2,
        'periodic-epoch-1': e1,
        'periodic-epoch-3': e3,
        last: e3,
      },
    ],
  ])('%s', (_name, best, ranked, maxToKeep, saveLast, expected) => {
    const wanted = wantedSlots(select(best, ranked), { maxToKeep, saveLast });
    expect([...wanted]).toEqual([...slots(expected)]);
  });

  it('wants nothing else where another training is stored, before the first best', () => {
    const wanted = wantedSlots(select(null, []), { maxToKeep: 1, saveLast: true }, true);
    expect([...wanted]).toEqual([...slots({ 'periodic-epoch-1': e1, 'periodic-epoch-3': e3 })]);
  });
});

describe('wantedSlots where another training is stored', () => {
  test.each<[string, EpochRecord | null, EpochRecord[], Slots]>([
    ['nothing before the first best, not even the latest', null, [], {}],
    ['everything once there is a best', e1, [e1], { best: e1, 'epoch-1': e1, last: e2 }],
  ])('%s', (_name, best, ranked, expected) => {
    const wanted = wantedSlots(
      { best, ranked, periodic: [], last: e2 },
      { maxToKeep: 2, saveLast: true },
      true,
    );
    expect([...wanted]).toEqual([...slots(expected)]);
  });
});

describe('slotsToLoad', () => {
  const wanted = slots({ best: e2, 'epoch-2': e2, 'epoch-0': e0, 'periodic-epoch-1': e1, last: e3 });

  test.each<[string, EpochRecord, boolean, Slots]>([
    ['the best, and the next best after it', e2, true, { best: e2, 'epoch-2': e2, 'epoch-0': e0 }],
    ['an epoch by its number, and nothing else', e2, false, { best: e2, 'epoch-2': e2 }],
    ['the latest', e3, false, { last: e3 }],
    ['a periodic epoch by its number', e1, false, { 'periodic-epoch-1': e1 }],
    ['nothing for an epoch that is not wanted', recordOf(9), false, {}],
  ])('%s', (_name, record, orNextBest, expected) => {
    expect([...slotsToLoad(record, orNextBest, wanted)]).toEqual([...slots(expected)]);
  });
});

describe('missingEpochs', () => {
  test.each<[string, Slots, Slots, EpochRecord[]]>([
    ['nothing if all is stored', { best: e1 }, { best: e1 }, []],
    ['an epoch whose slot is empty', { best: e1 }, {}, [e1]],
    ['an epoch whose slot holds another', { best: e1 }, { best: e0 }, [e1]],
    ['an epoch whose slot holds another training', { best: e1 }, { best: null }, [e1]],
    ['an epoch that lacks one of its slots', { best: e1, last: e1 }, { best: e1 }, [e1]],
    ['each epoch once, in the order of importance', { best: e1, last: e2, 'epoch-1': e1 }, {}, [e1, e2]],
  ])('%s', (_name, wanted, stored, expected) => {
    expect(missingEpochs(slots(wanted) as Map<CheckpointSlot, EpochRecord>, slots(stored))).toEqual(expected);
  });
});

describe('slotUpdateFor', () => {
  test.each<[string, EpochRecord, Slots, Slots, CheckpointSlot[], CheckpointSlot[]]>([
    ['the first best', e0, { best: e0 }, {}, ['best'], []],
    ['a better one takes the place of the best', e1, { best: e1 }, { best: e0 }, ['best'], []],
    [
      'the last epoch stays beside it',
      e1,
      { best: e1, last: e0 },
      { best: e0, last: e0 },
      ['best'],
      ['last'],
    ],
    [
      'only the slots that lack it are written',
      e1,
      { best: e1, last: e1 },
      { best: e1, last: e0 },
      ['last'],
      ['best'],
    ],
    [
      'the save after which nothing is missing removes what is not wanted any more',
      e2,
      { best: e2, 'epoch-2': e2, 'epoch-1': e1 },
      { best: e1, 'epoch-1': e1, 'epoch-0': e0 },
      ['best', 'epoch-2'],
      ['epoch-1'],
    ],
    [
      'while another wanted epoch is missing, one that is not wanted any more stays in its place',
      e2,
      { best: e2, 'epoch-2': e2, 'epoch-1': e1 },
      { best: e0, 'epoch-0': e0 },
      ['best', 'epoch-2'],
      ['epoch-0'],
    ],
    [
      'of several that are not wanted any more, the latest stays',
      e3,
      { best: e3, 'epoch-3': e3, 'epoch-2': e2 },
      { best: e1, 'epoch-0': e0, 'epoch-1': e1 },
      ['best', 'epoch-3'],
      ['epoch-1'],
    ],
    [
      'slots of another training go with the save after which nothing is missing',
      e0,
      { best: e0 },
      { best: null, last: null, 'epoch-7': null },
      ['best'],
      [],
    ],
  ])('%s', (_name, record, wanted, stored, into, keep) => {
    const update = slotUpdateFor(record, slots(wanted) as Map<CheckpointSlot, EpochRecord>, slots(stored));
    expect(update).toEqual({ into, keep });
  });
});

describe('slotUpdateFor where a slot holds the only state of another wanted epoch', () => {
  const wanted = slots({ best: e1, 'epoch-1': e1, 'epoch-0': e0 });

  test.each<[string, boolean, Slots, CheckpointSlot[], CheckpointSlot[]]>([
    ['leaves that slot as it is', false, { best: e0 }, ['epoch-1'], ['best']],
    ['replaces it if the state is in memory as well', true, { best: e0 }, ['best', 'epoch-1'], []],
    [
      'replaces it once that epoch is in its own slot',
      false,
      { best: e0, 'epoch-0': e0 },
      ['best', 'epoch-1'],
      ['epoch-0'],
    ],
    ['replaces an epoch of another training', false, { best: null }, ['best', 'epoch-1'], []],
  ])('%s', (_name, isInMemory, stored, into, keep) => {
    expect(slotUpdateFor(e1, wanted, slots(stored), () => isInMemory)).toEqual({ into, keep });
  });
});

describe('saving one missing epoch after the other', () => {
  const epochs = [e0, e1, e2, e3];
  const record = fc.constantFrom(...epochs);
  const selected = fc
    .record({
      ranked: fc.uniqueArray(record, { maxLength: 3 }),
      periodic: fc.subarray(epochs),
      last: fc.option(record),
      stored: fc.dictionary(
        fc.constantFrom('best', 'last', 'epoch-0', 'epoch-1', 'epoch-9', 'periodic-epoch-1'),
        fc.option(record),
      ),
      maxToKeep: fc.integer({ min: 1, max: 3 }),
      saveLast: fc.boolean(),
    })
    .map(({ ranked, periodic, last, stored, maxToKeep, saveLast }) => ({
      wanted: wantedSlots({ best: ranked[0] ?? null, ranked, periodic, last }, { maxToKeep, saveLast }),
      stored: slots(stored as Slots),
    }));

  it('ends with what is wanted, and nothing else', () => {
    fc.assert(
      fc.property(selected, ({ wanted, stored: before }) => {
        fc.pre(missingEpochs(wanted, before).length > 0);
        let stored: StoredSlots = before;
        for (const missing of missingEpochs(wanted, before)) {
          stored = slotsAfter(stored, missing, slotUpdateFor(missing, wanted, stored));
        }
        expect(stored).toEqual(wanted);
      }),
    );
  });

  it('never removes an epoch from a slot in which it is wanted', () => {
    fc.assert(
      fc.property(selected, ({ wanted, stored: before }) => {
        let stored: StoredSlots = before;
        const held = [...before].filter(([slot, record]) => record !== null && wanted.get(slot) === record);
        for (const missing of missingEpochs(wanted, before)) {
          stored = slotsAfter(stored, missing, slotUpdateFor(missing, wanted, stored));
          for (const [slot, record] of held) expect(stored.get(slot)).toBe(record);
        }
      }),
    );
  });

  it('never leaves more slots than are wanted, nor fewer than before or wanted', () => {
    fc.assert(
      fc.property(selected, ({ wanted, stored: before }) => {
        let stored: StoredSlots = before;
        for (const missing of missingEpochs(wanted, before)) {
          const after = slotsAfter(stored, missing, slotUpdateFor(missing, wanted, stored));
          expect(after.size).toBeLessThanOrEqual(wanted.size);
          expect(after.size).toBeGreaterThanOrEqual(Math.min(stored.size, wanted.size));
          stored = after;
        }
      }),
    );
  });
});

import { describe, expect, it, test } from '@jest/globals';
import type { EpochRecord, MonitoredEpoch } from '../../src/epoch-record.js';
import { EpochSelector, type SelectionOptions } from '../../src/selection/epoch-selector.js';
import { findEpoch } from '../../src/selection/find-epoch.js';
import { resolveMonitor, type MonitorOptions } from '../../src/selection/monitor.js';
import { thrownBy } from '../support/errors.js';

const DEFAULTS: SelectionOptions = {
  minDelta: 0,
  startFromEpoch: 0,
  initialThreshold: null,
  maxToKeep: 1,
  keepEvery: Infinity,
};

function selectorOf(
  options: Partial<SelectionOptions> = {},
  monitor: Partial<MonitorOptions> = {},
): EpochSelector {
  const resolved = resolveMonitor({ monitor: 'val_acc', mode: 'auto', patience: null, ...monitor });
  return new EpochSelector(resolved, { ...DEFAULTS, ...options });
}

const epochOf = (epoch: number, value: number, fit = 0): MonitoredEpoch => ({
  epoch,
  fit,
  entropy: null,
  trainEntropy: null,
  valEntropy: null,
  logs: { val_acc: value },
});

const addAll = (selector: EpochSelector, values: readonly number[]): EpochRecord[] =>
  values.map((value, epoch) => selector.add(epochOf(epoch, value), true));

const epochsOf = (records: readonly EpochRecord[]): number[] => records.map(({ epoch }) => epoch);

test('an EpochSelector records every epoch, and which one is the best so far', () => {
  const selector = selectorOf({ maxToKeep: 2 });
  const records = addAll(selector, [0.1, 0.5, 0.3, 0.4]);
  expect(selector.history).toEqual(records);
  expect(records.map(({ value, isBest }) => [value, isBest])).toEqual([
    [0.1, true],
    [0.5, true],
    [0.3, false],
    [0.4, false],
  ]);
  expect(selector.best).toBe(records[1]);
  expect(epochsOf(selector.kept)).toEqual([1, 3]);
  expect(selector.last).toBe(records[3]);
  expect(records.every((record) => Object.isFrozen(record))).toBe(true);
});

test('an epoch whose state is lost is left out, and later epochs need not beat it', () => {
  const selector = selectorOf({ maxToKeep: 2 });
  const [first, best] = addAll(selector, [0.3, 0.9, 0.1]) as [EpochRecord, EpochRecord];
  selector.forget(new Set([best]));
  expect(selector.best).toBe(first);
  expect(selector.kept).toEqual([first]);
  expect(selector.history).toHaveLength(3);
  expect(selector.add(epochOf(3, 0.2), true).isBest).toBe(false);
  expect(selector.add(epochOf(4, 0.4), true).isBest).toBe(true);
  selector.forget(new Set(selector.kept));
  expect([selector.best, selector.last, selector.kept]).toEqual([null, null, []]);
  expect(selector.add(epochOf(5, 0.05), true).isBest).toBe(true);
});

test('a lost epoch that is not the best leaves the best as it is', () => {
  const selector = selectorOf({ maxToKeep: 2 });
  const records = addAll(selector, [0.3, 0.9]);
  selector.forget(new Set([records[0]!]));
  expect(selector.best).toBe(records[1]);
  expect(selector.kept).toEqual([records[1]]);
  expect(selector.add(epochOf(2, 0.8), true).isBest).toBe(false);
});

test('an epoch that was cut short has no value, is never the best, and is not resumed from', () => {
  const selector = selectorOf({ maxToKeep: 3 });
  const [first] = addAll(selector, [0.5]) as [EpochRecord];
  const cut = selector.add(epochOf(1, 0.9), false);
  expect(cut).toMatchObject({ value: null, isBest: false });
  expect(selector.history).toEqual([first, cut]);
  expect(selector.best).toBe(first);
  expect(selector.last).toBe(first);
  expect(selector.kept).toEqual([first]);
});

test('a monitor function that throws leaves no trace of the epoch', () => {
  const monitor = (): number => {
    throw new Error('thrown by the test');
  };
  const selector = selectorOf({}, { monitor, mode: 'max' });
  expect(() => selector.add(epochOf(0, 1), true)).toThrow('thrown by the test');
  expect({ history: selector.history, best: selector.best, last: selector.last }).toEqual({
    history: [],
    best: null,
    last: null,
  });
});

test('a monitor gets the latest three epochs, however many have ended', () => {
  const seen: number[][] = [];
  const selector = new EpochSelector(
    {
      ...resolveMonitor({ monitor: 'val_acc', mode: 'auto', patience: null }),
      valueOf: (epochs) => {
        seen.push(epochs.map(({ epoch }) => epoch));
        return 0;
      },
    },
    DEFAULTS,
  );
  addAll(selector, [1, 2, 3, 4, 5]);
  expect(seen).toEqual([[0], [0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]);
});

test('nothing is selected after the patience is over', () => {
  const selector = selectorOf({ maxToKeep: 5 }, { patience: 2 });
  addAll(selector, [0.1, 0.5, 0.4, 0.3, 0.9]);
  expect(selector.isDecided).toBe(true);
  expect(selector.best?.epoch).toBe(1);
  expect(epochsOf(selector.kept)).toEqual([1, 2, 3, 0]);
});

describe('keepEvery', () => {
  it('keeps every n-th epoch beside the best ones, whatever its value', () => {
    const selector = selectorOf({ keepEvery: 2, startFromEpoch: 3 }, { patience: 1 });
    addAll(selector, [0.9, NaN, 0.8, 0.3, 0.2, 0.95]);
    expect(selector.isDecided).toBe(true);
    expect(epochsOf(selector.ranked)).toEqual([3]);
    expect(epochsOf(selector.periodic)).toEqual([1, 3, 5]);
    // An epoch that is both is listed once.
    expect(epochsOf(selector.kept)).toEqual([3, 1, 5]);
  });

  it('leaves out an epoch that was cut short', () => {
    const selector = selectorOf({ keepEvery: 1 });
    selector.add(epochOf(0, 0.5), false);
    expect(selector.kept).toEqual([]);
  });

  it('has the record of an epoch that ends a second time', () => {
    const selector = selectorOf({ keepEvery: 1 });
    const [first] = addAll(selector, [0.5]);
    const second = selector.add(epochOf(0, 0.4), true);
    expect(selector.best).toBe(first);
    expect(selector.periodic).toEqual([second]);
    const third = selector.add(epochOf(0, 0.4, 1), true);
    expect(selector.periodic).toEqual([second, third]);
  });

  it('gives up what is lost', () => {
    const selector = selectorOf({ keepEvery: 2 });
    const records = addAll(selector, [0.5, 0.1, 0.1, 0.2]);
    selector.forget(new Set([records[1]!]));
    expect(epochsOf(selector.kept)).toEqual([0, 3]);
  });

  it('finds a periodic epoch by its number, without a best one too', () => {
    const selector = selectorOf({ keepEvery: 2, initialThreshold: 0.9 });
    const records = addAll(selector, [0.1, 0.2]);
    expect(findEpoch(selector, 1)).toBe(records[1]);
    expect(thrownBy(() => findEpoch(selector, 0))).toMatchObject({ code: 'ENTROPY_NO_CHECKPOINT' });
    expect(thrownBy(() => findEpoch(selector, undefined))).toMatchObject({ code: 'ENTROPY_NO_BEST' });
  });

  it('continues after `adopt` as if not interrupted, with periodic epochs of any number', () => {
    const before = selectorOf({ keepEvery: 2 });
    addAll(before, [0.1, 0.5, 0.3, 0.2]);
    const resumed = selectorOf({ keepEvery: 3 });
    resumed.adopt(before.history, new Set([before.best!]), new Set(before.periodic));
    expect(resumed.kept).toEqual(before.kept);
    for (const epoch of [4, 5]) resumed.add(epochOf(epoch, 0.1), true);
    expect(epochsOf(resumed.periodic)).toEqual([1, 3, 5]);
  });
});

describe('findEpoch', () => {
  const selector = selectorOf({ maxToKeep: 3 });
  addAll(selector, [0.1, 0.5, 0.3]);
  selector.add(epochOf(1, 0.4, 1), true);

  it('returns the best epoch, the latest one, or a kept one by its number', () => {
    expect(findEpoch(selector, undefined)).toBe(selector.best);
    expect(findEpoch(selector, 'last')).toBe(selector.history[3]);
    expect(findEpoch(selector, 2)).toBe(selector.history[2]);
  });

  it('returns the epoch of the latest `fit` if several have the number', () => {
    expect(findEpoch(selector, 1)).toBe(selector.history[3]);
  });

  it('throws for an epoch that is not kept, with an error that lists the kept ones', () => {
    const { code, message } = thrownBy(() => findEpoch(selector, 0));
    expect(code).toBe('ENTROPY_NO_CHECKPOINT');
    expect(message).toContain('(1, 1, 2), got 0');
  });

  it('throws without a best epoch', () => {
    const none = selectorOf({ initialThreshold: 0.9 });
    expect(thrownBy(() => findEpoch(none, undefined)).message).toContain('no epoch has ended');
    addAll(none, [0.1, 0.2]);
    expect(thrownBy(() => findEpoch(none, undefined))).toMatchObject({ code: 'ENTROPY_NO_BEST' });
    expect(thrownBy(() => findEpoch(none, 0)).message).toContain('none of 2 could be selected');
  });
});

describe('adopt', () => {
  const trained = (values: readonly number[], options: Partial<SelectionOptions> = {}): EpochSelector => {
    const selector = selectorOf(options, { patience: 3 });
    addAll(selector, values);
    return selector;
  };

  it.each([[[0.1, 0.5, 0.3]], [[0.9, 0.5, 0.3, 0.4]], [[0.1, 0.2, 0.3]], [[NaN, 0.2, 0.1]]])(
    'continues as if not interrupted after the values %p',
    (values) => {
      const before = trained(values, { maxToKeep: 2 });
      const resumed = selectorOf({ maxToKeep: 2 }, { patience: 3 });
      resumed.adopt(before.history, new Set(before.history), new Set());
      for (const value of [0.6, 0.2, 0.7, 0.1, 0.95]) {
        const next = epochOf(before.history.length, value);
        expect(resumed.add(next, true)).toEqual(before.add(next, true));
        expect(resumed.kept).toEqual(before.kept);
        expect(resumed.isDecided).toBe(before.isDecided);
        expect(resumed.last).toEqual(before.last);
      }
    },
  );

  it('takes over that the choice was made', () => {
    const before = trained([0.9, 0.1, 0.1, 0.1]);
    const resumed = selectorOf({}, { patience: 3 });
    resumed.adopt(before.history, new Set([before.history[0]!]), new Set());
    expect(resumed.isDecided).toBe(true);
    expect(resumed.add(epochOf(4, 1), true).isBest).toBe(false);
  });

  it('keeps only epochs whose states are stored', () => {
    const { history } = trained([0.1, 0.5, 0.3, 0.4], { maxToKeep: 3 });
    const resumed = selectorOf({ maxToKeep: 3 });
    resumed.adopt(history, new Set([history[1]!, history[2]!]), new Set());
    expect(epochsOf(resumed.kept)).toEqual([1, 2]);
  });

  it.each<[string, Partial<SelectionOptions>, number, boolean]>([
    [
      'a threshold that the best had not beaten: it stays, and must be beaten alone',
      { initialThreshold: 0.9 },
      0.6,
      true,
    ],
    ['a larger minDelta, from now on: the gain over the best is too small', { minDelta: 0.2 }, 0.65, false],
    ['a larger minDelta, from now on: the gain over the best is large enough', { minDelta: 0.2 }, 0.75, true],
    ['a later first epoch: the best stays', { startFromEpoch: 3 }, 0.4, false],
    ['a later first epoch: what begins before it is not selected', { startFromEpoch: 9 }, 0.8, false],
  ])('compares with the best that was selected, resumed with %s', (_name, options, value, isBest) => {
    const { history } = trained([0.1, 0.4, 0.5], {});
    const resumed = selectorOf(options);
    resumed.adopt(history, new Set(history), new Set());
    expect(resumed.best?.epoch).toBe(2);
    expect(resumed.add(epochOf(3, value), true).isBest).toBe(isBest);
  });

  it.each([
    [1, true],
    [2, true],
    [3, false],
  ])('counts the epochs since the best one, resumed with a patience of %d', (patience, isDecided) => {
    const history = [0.1, 0.05, 0.5, 0.4, 0.3].map((value, epoch) => ({
      ...epochOf(epoch, value),
      value,
      isBest: epoch === 0 || epoch === 2,
    }));
    const resumed = selectorOf({}, { patience });
    resumed.adopt(history, new Set(history), new Set());
    expect(resumed.best?.epoch).toBe(2);
    expect(resumed.isDecided).toBe(isDecided);
  });

  it('ranks what is left by its values if the best one is lost', () => {
    const { history } = trained([0.1, 0.9, 0.3, 0.5, 0.5], { maxToKeep: 2 });
    const resumed = selectorOf({ maxToKeep: 2 });
    resumed.adopt(history, new Set([history[0]!, history[2]!, history[3]!, history[4]!]), new Set());
    expect(epochsOf(resumed.kept)).toEqual([3, 4]);
    expect(resumed.best?.epoch).toBe(3);
  });

  it('lets any later epoch be the best if the best one is lost', () => {
    const { history } = trained([0.1, 0.9, 0.3]);
    const resumed = selectorOf();
    resumed.adopt(history, new Set([history[2]!]), new Set());
    expect(resumed.best?.epoch).toBe(2);
    expect(resumed.add(epochOf(3, 0.4), true).isBest).toBe(true);
  });
});

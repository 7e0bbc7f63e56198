import { describe, expect, it } from '@jest/globals';
import type {
  LargeModelResult,
  LongTrainingResult,
  PauseResult,
  SaveFitResult,
} from '../../benchmarks/saving/results.js';
import {
  extraBytesOf,
  savingBoundsOf,
  shareOfModelSave,
  speedOf,
} from '../../benchmarks/saving/saving-bounds.js';
import { savingTables } from '../../benchmarks/saving/saving-tables.js';
import { summariseSaveFits } from '../../benchmarks/saving/save-fit-benchmark.js';
import type { Estimate } from '../../benchmarks/statistics.js';

const MB = 1e6;
const estimateOf = (median: number): Estimate => ({
  median,
  low: median - 0.003,
  high: median + 0.003,
  count: 9,
});

const sample = (timeMs: number, committed: number | null = null) => ({
  timeMs,
  outsideMs: timeMs / 10,
  committed,
});

const fitResult = (stored: number, modelSave: number, committed = 3): SaveFitResult => ({
  backend: 'wasm',
  size: { title: '4-2', batchSize: 32, batches: 60, epochs: 3, savedBytes: 8 * MB },
  bareMs: 3000,
  ratios: {
    control: estimateOf(1),
    stored: estimateOf(stored),
    'stored-last': estimateOf(stored),
    'model-save': estimateOf(modelSave),
  },
  added: {
    notStored: estimateOf(1),
    stored: estimateOf(1000 * (stored - 1)),
    modelSave: estimateOf(1000 * (modelSave - 1)),
  },
  rounds: [
    { bare: sample(3000), stored: sample(3000 * stored, committed) },
    { stored: sample(3000 * stored, 3) },
  ],
});

const pauseResult = (added: number): PauseResult => ({
  backend: 'cpu',
  size: { weights: 2000, sizeBytes: 200 * MB },
  added: estimateOf(added),
  rounds: [
    {
      bare: { longestMs: 5, batches: 100, saveMs: null },
      saving: { longestMs: 5 + added, batches: 90, saveMs: 400 },
    },
  ],
  snapshots: [{ captureMs: 4, snapshotMs: 9 }],
});

const largeResult = ({ saveMs = 1200, loadMs = 1200, extraMB = 100 }): LargeModelResult => ({
  size: { weights: 16, sizeBytes: 1000 * MB, largestBytes: 60 * MB },
  written: [{ write: 1000, save: saveMs }],
  readCold: [{ read: 1000, skim: 700, 'load-new': loadMs, 'load-given': loadMs }],
  readWarm: [{ read: 50, skim: 30, 'load-new': 900, 'load-given': 900 }],
  resident: {
    save: [0, extraMB, 300].map((extra) => ({ before: 1200 * MB, peak: (1200 + extra) * MB })),
    'load-new': [{ before: 200 * MB, peak: (1200 + extraMB) * MB }],
    'load-given': [],
  },
});

const longResult = (ratio: number): LongTrainingResult => ({
  maxToKeep: 200,
  epochs: { short: 10, long: 20_000 },
  saves: 32,
  size: { modelBytes: 32_768 },
  ratio: estimateOf(ratio),
  rounds: [{ short: { saveMs: 8, longestMs: 3 }, long: { saveMs: 8 * ratio, longestMs: 4 } }],
});

const missed = (results: Partial<Parameters<typeof savingBoundsOf>[0]>): string[] =>
  savingBoundsOf({ fits: [], pauses: [], large: [], ...results })
    .filter(({ isMet }) => !isMet)
    .map(({ figure }) => figure);

describe('savingBoundsOf', () => {
  it('meets every bound when saving costs little', () => {
    expect(
      missed({ fits: [fitResult(1.005, 1.02)], pauses: [pauseResult(20)], large: [largeResult({})] }),
    ).toEqual([]);
  });

  it('misses the bounds of a slow fit', () => {
    expect(missed({ fits: [fitResult(1.06, 1.2)] })).toEqual([
      'fit with a save in every epoch on wasm',
      'fit with a save in every epoch and `saveLast` on wasm',
    ]);
  });

  it('misses a bound when storing adds as much as model.save', () => {
    expect(missed({ fits: [fitResult(1.02, 1.02)] })).toEqual(['share of what `model.save` adds, on wasm']);
  });

  it('leaves out the share when model.save adds nothing significant', () => {
    const unclear = fitResult(1.01, 1);
    expect(shareOfModelSave(unclear)).toBeNull();
    expect(missed({ fits: [unclear] })).toEqual([]);
  });

  it('misses the bound of a long pause', () => {
    expect(missed({ pauses: [pauseResult(60)] })).toEqual(['pause added by a save on cpu, ms']);
  });

  it('misses the bound of a save that costs more after many epochs', () => {
    expect(missed({ long: [longResult(1.4)] })).toEqual([]);
    expect(missed({ long: [longResult(1.6)] })).toEqual([
      'cost of a save at 20000 epochs over that at 10, maxToKeep 200',
    ]);
  });

  it('allows a given model the memory of its new weights beside the old ones', () => {
    const given = (extraMB: number): LargeModelResult => {
      const result = largeResult({});
      const run = { before: 1200 * MB, peak: (1200 + extraMB) * MB };
      return { ...result, resident: { ...result.resident, 'load-given': [run] } };
    };
    expect(missed({ large: [given(1050)] })).toEqual([]);
    expect(missed({ large: [given(1070)] })).toEqual(['memory of a large model, load-given, MB']);
  });

  it('misses the bounds of a large model that is slow to save, slow to read cold, or needs much memory', () => {
    expect(missed({ large: [largeResult({ saveMs: 1500 })] })).toEqual(['speed of saving a large model']);
    expect(missed({ large: [largeResult({ loadMs: 1500 })] })).toEqual([
      'speed of loading a large model, cold, into a new model',
      'speed of loading a large model, cold, into a given model',
    ]);
    expect(missed({ large: [largeResult({ extraMB: 130 })] })).toEqual([
      'memory of a large model, save, MB',
      'memory of a large model, load-new, MB',
    ]);
  });
});

describe('summariseSaveFits', () => {
  it('compares the time of a fit with the mean of both bare fits of its round', () => {
    const { bareMs, ratios, added } = summariseSaveFits(
      [
        { bare: sample(90), control: sample(110), stored: sample(105), 'model-save': sample(120) },
        { bare: sample(100), control: sample(100), stored: sample(105) },
      ],
      1,
    );
    expect(added).toBeNull();
    expect(bareMs).toBe(95);
    expect(ratios.stored?.median).toBe(1.05);
    expect(ratios['model-save']?.median).toBe(1.2);
    expect(ratios['stored-last']).toBeUndefined();
  });

  it('compares the time outside the optimizer steps with that of the callback without a store', () => {
    const outside = (outsideMs: number) => ({ timeMs: 1000, outsideMs, committed: null });
    const { added } = summariseSaveFits(
      [
        {
          bare: outside(90),
          control: outside(110),
          'not-stored': outside(130),
          stored: outside(150),
          'model-save': outside(200),
        },
      ],
      10,
    );
    expect([added?.notStored.median, added?.stored.median, added?.modelSave.median]).toEqual([3, 2, 10]);
  });
});

describe('speedOf', () => {
  it('compares speeds within a round, and is null without rounds', () => {
    const rounds = [
      { write: 100, save: 200 },
      { write: 300, save: 400 },
      { write: 100, save: 100 },
    ];
    expect(speedOf(rounds, 'save', 'write')?.median).toBe(0.75);
    expect(speedOf([], 'save', 'write')).toBeNull();
  });
});

describe('extraBytesOf', () => {
  it('does not count a newly loaded model itself', () => {
    expect(extraBytesOf(largeResult({ extraMB: 100 }))).toEqual({
      save: 100 * MB,
      'load-new': 100 * MB,
      'load-given': null,
    });
  });
});

describe('savingTables', () => {
  const [fits, added, pauses, model] = savingTables({
    fits: [fitResult(1.01, 1.04, 2)],
    pauses: [pauseResult(20)],
    large: [largeResult({})],
  });

  it('shows how many epochs were committed', () => {
    expect(fits?.rows).toEqual([
      ['wasm', '3.00 s', '1.000 ±0.003', '', '1.010 ±0.003', '1.010 ±0.003', '1.040 ±0.003', '2'],
    ]);
    expect(fits?.notes[0]).toContain('Committed epochs: 2–3');
  });

  it('shows the time added to an epoch', () => {
    expect(added?.rows).toEqual([['wasm', '1.000 ±0.003 ms', '10.0 ±0.0 ms', '40 ±0 ms', '25 %']]);
  });

  it('shows both pauses and the snapshot', () => {
    expect(pauses?.rows).toEqual([['cpu', '5 ms', '25 ms', '20 ms', '5 ms', '25 ms', '400 ms', '1']]);
    expect(pauses?.notes[0]).toContain('takes 4 ms, with the description of the model 9 ms');
  });

  it('shows a large model, with the memory in one row of each method', () => {
    expect(model?.rows.map(([title, , , speed, memory]) => [title, speed, memory])).toEqual([
      ['save', '0.833', '100.0 MB'],
      ['load, new model, cold', '0.833', ''],
      ['load, new model, cold, skimmed', '0.583', ''],
      ['load, new model, warm', '0.056', '100.0 MB'],
      ['load, given model, cold', '0.833', ''],
      ['load, given model, cold, skimmed', '0.583', ''],
      ['load, given model, warm', '0.056', 'not measured'],
    ]);
  });

  it('shows a save after few and after many epochs', () => {
    const [long] = savingTables({ fits: [], pauses: [], long: [longResult(1.25)], large: [] });
    expect(long?.head.slice(1, 3)).toEqual(['at 10 epochs', 'at 20,000 epochs']);
    expect(long?.rows).toEqual([['maxToKeep 200', '8 ms', '10 ms', '1.250 ±0.003', '3 ms', '4 ms', '1']]);
    expect(long?.notes[0]).toContain('mean of 32 saves');
  });

  it('returns no tables without results', () => {
    expect(savingTables({ fits: [], pauses: [], large: [] })).toEqual([]);
  });
});

import { beforeAll, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-wasm';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BestValue } from '../../src/selection/best-value.js';
import {
  WINDOW_EPOCHS,
  type ComparedValues,
  type ComparingMonitor,
} from '../../src/selection/monitors/comparing-monitor.js';
import { consensus } from '../../src/selection/monitors/consensus.js';
import { labelWave as labelWaveMonitor } from '../../src/selection/monitors/label-wave.js';
import { NUM_CLASSES_OF } from '../../study/data/tasks.js';
import { cellId, fullGrid } from '../../study/grid.js';
import { publish, type Published } from '../../study/publish.js';
import { informedConsensus } from '../../study/rules/consensus.js';
import { labelWave } from '../../study/rules/label-wave.js';
import { trainCell } from '../../study/training/train-cell.js';
import { TrajectoryFile, visibleSignals, type Trajectory } from '../../study/trajectories.js';

const ROOT = resolve(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

let trajectories: Trajectory[] = [];

beforeAll(() => {
  trajectories = new TrajectoryFile(join(ROOT, 'study/trajectories.jsonl.gz')).read();
});

test('every training of the grid is recorded, in order', () => {
  expect(trajectories.map(({ cell }) => cellId(cell))).toEqual(fullGrid().map(cellId));
});

test.each([
  'fashion-mnist/symmetric-40/dense/adam-large/2',
  'fashion-mnist/pair-45/dense/adam-large/1/step',
  'glosses/pair-45/dense/sgd-small/5',
])('%s: training it again gives the recorded trajectory', async (id) => {
  const recorded = trajectories.find(({ cell }) => cellId(cell) === id)!;
  expect(await trainCell(recorded.cell)).toEqual(recorded);
});

describe('the published results', () => {
  let published: Published;

  beforeAll(() => {
    published = publish(trajectories);
  });

  test('are generated from the recorded trajectories', () => {
    expect(text('study/RESULTS.md')).toBe(`${published.results}\n`);
    expect(text('docs/choosing-a-monitor.md')).toContain(`\n\n${published.tables}\n\n`);
  });

  test.each(['kept-against-last', 'regret-by-rule', 'typical-trainings'] as const)(
    '%s.svg is generated from the recorded trajectories',
    (name) => {
      expect(text(`docs/images/${name}.svg`)).toBe(`${published.images[name]}\n`);
    },
  );
});

describe('a monitor of the package selects the same epochs as its rule in the study', () => {
  /** The values that the callback would have recorded in a training of the study. */
  const valuesOf = (
    { cell, signals }: Trajectory,
    changes: 'val-averaged-changes' | 'val-changes',
  ): ComparedValues[] =>
    signals[changes].map((valChanges, epoch) => ({
      valChanges,
      valInformation:
        (signals['val-marginal-entropy'][epoch]! - signals['val-full-entropy'][epoch]!) /
        Math.log(NUM_CLASSES_OF[cell.task]),
      trainEntropy: signals['running-entropy'][epoch]!,
      valEntropy: signals['val-entropy'][epoch]!,
    }));

  const valueAt = (
    { valueOf }: ComparingMonitor,
    epochs: readonly ComparedValues[],
    epoch: number,
  ): number | null => valueOf(epochs.slice(Math.max(0, epoch + 1 - WINDOW_EPOCHS), epoch + 1));

  const selectedBy = (monitor: ComparingMonitor, epochs: readonly ComparedValues[]): number => {
    const { mode, termSize, patience } = monitor;
    const bestValue = new BestValue({
      mode,
      termSize,
      patience,
      minDelta: 0,
      startFromEpoch: 0,
      initialThreshold: null,
    });
    let best = -1;
    for (const epoch of epochs.keys()) {
      const value = valueAt(monitor, epochs, epoch);
      if (bestValue.isBetter(epoch, value)) best = epoch;
      bestValue.add(epoch, value);
    }
    return best;
  };

  test.each([
    ['consensus', consensus, 'val-averaged-changes', informedConsensus(7, 0.1)],
    ['label_wave', labelWaveMonitor, 'val-changes', labelWave('validation', 3)],
  ] as const)('%s', (_name, monitor, changes, rule) => {
    const same = trajectories.filter((trajectory) => {
      const epochs = valuesOf(trajectory, changes);
      const selected = selectedBy(monitor, epochs);
      const expected = rule.select(visibleSignals(trajectory));
      if (selected === expected) return true;
      // A gain below 2⁻¹⁶ counts in the study, and not in the package.
      const [a, b] = [selected, expected].map((epoch) => valueAt(monitor, epochs, epoch));
      return a != null && b != null && Math.abs(a - b) < 2 ** -16;
    });
    // Values that differ only in the last digit of their sum may be ranked differently.
    expect(same.length).toBeGreaterThan(0.99 * trajectories.length);
  });
});

import { describe, expect, test } from '@jest/globals';
import { NOISES, withNoise } from '../../study/data/label-noise.js';
import type { Samples, Task } from '../../study/data/samples.js';
import { parseTable } from '../../study/data/keel.js';
import { loadTask, PACKAGED_TASKS } from '../../study/data/tasks.js';

const rowsOf = ({ inputs, labels }: Samples): string[] => {
  const width = inputs.length / labels.length;
  return Array.from(labels, (_, row) => inputs.subarray(row * width, (row + 1) * width).join());
};

const partsOf = ({ train, validation, test: clean }: Task): Samples[] => [train, validation, clean];

test('the same seed draws the same rows, another seed draws others', () => {
  const [one, again, other] = [1, 1, 2].map((seed) => loadTask('parts-of-speech', 'sequence', seed));
  expect(rowsOf(again!.train)).toEqual(rowsOf(one!.train));
  expect(rowsOf(other!.train)).not.toEqual(rowsOf(one!.train));
});

test('no word is drawn twice', () => {
  const rows = partsOf(loadTask('parts-of-speech', 'sequence', 1)).flatMap(rowsOf);
  expect(rows).toHaveLength(1500 + 500 + 2000);
  expect(new Set(rows).size).toBe(rows.length);
});

test.each(PACKAGED_TASKS)('%s: all classes are equally frequent in each part', (name) => {
  const task = loadTask(name, 'vector', 3);
  const expected = 1 / task.numClasses;
  for (const { labels } of partsOf(task)) {
    for (let label = 0; label < task.numClasses; label++) {
      const share = labels.filter((one) => one === label).length / labels.length;
      expect(Math.abs(share - expected)).toBeLessThan(
        5 * Math.sqrt((expected * (1 - expected)) / labels.length),
      );
    }
  }
});

test('a table has standardised numbers, a column for each other value, and its classes in order', () => {
  const { width, inputs, labels } = parseTable('1, red, 7, b\n3, blue, 7, a\n1, red, 7, b\n3, red, 7, c\n');
  expect(width).toBe(4);
  expect(Array.from({ length: 4 }, (_, row) => Array.from(inputs.subarray(4 * row, 4 * row + 4)))).toEqual([
    [-1, 0, 1, 0],
    [1, 1, 0, 0],
    [-1, 0, 1, 0],
    [1, 0, 1, 0],
  ]);
  expect(Array.from(labels)).toEqual([1, 0, 1, 2]);
});

describe('noise', () => {
  const clean = loadTask('mnist', 'vector', 1);
  const wrongShare = (noisy: Samples, original: Samples): number =>
    noisy.labels.filter((label, row) => label !== original.labels[row]).length / original.labels.length;

  test.each(NOISES)('%s: changes training and validation labels at its rate, and no test labels', (noise) => {
    const testLabels = clean.test.labels.slice();
    const trainInputs = clean.train.inputs.slice();
    const noisy = withNoise(clean, noise, 1);
    const rate = noise === 'none' ? 0 : Number(noise.split('-')[1]) / 100;
    expect(Math.abs(wrongShare(noisy.train, clean.train) - rate)).toBeLessThan(0.04);
    expect(Math.abs(wrongShare(noisy.validation, clean.validation) - rate)).toBeLessThan(0.06);
    expect(noisy.test.labels).toEqual(testLabels);
    expect(noisy.train.inputs).toEqual(trainInputs);
  });

  test('pair: changes a label to the next class', () => {
    const { train } = withNoise(clean, 'pair-45', 1);
    const steps = Array.from(train.labels, (label, row) => (label - clean.train.labels[row]! + 10) % 10);
    expect(new Set(steps)).toEqual(new Set([0, 1]));
  });

  test('instance-dependent: the wrong class depends on the inputs', () => {
    // Every row is the same image: its projection favours one wrong class.
    const width = clean.train.inputs.length / clean.train.labels.length;
    const inputs = new Float32Array(500 * width);
    for (let row = 0; row < 500; row++) inputs.set(clean.train.inputs.subarray(0, width), row * width);
    const labels = new Uint8Array(500).fill(clean.train.labels[0]!);
    const noisy = withNoise({ ...clean, train: { inputs, labels } }, 'instance-30', 1).train.labels;
    const counts = new Map<number, number>();
    for (const label of noisy) if (label !== labels[0]) counts.set(label, (counts.get(label) ?? 0) + 1);
    const wrong = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(Math.max(...counts.values()) / wrong).toBeGreaterThan(0.5);

    // Different images get different wrong classes.
    const { train } = withNoise(clean, 'instance-30', 1);
    const targets = Array.from(train.labels).filter((label, row) => label !== clean.train.labels[row]);
    expect(new Set(targets).size).toBeGreaterThan(5);
  });
});

import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { compareReports, type ComparedTraining, type EpochRecord } from '../../src/index.js';
import { fitWithConfidences } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';

/** The epochs of a training with these accuracies, of which the first highest is the best. */
function historyOf(accuracies: readonly number[]): EpochRecord[] {
  let highest = -Infinity;
  return accuracies.map((accuracy, epoch) => {
    const isBest = accuracy > highest;
    if (isBest) highest = accuracy;
    const entropies = { entropy: 0.5, trainEntropy: 0.5, valEntropy: null };
    return { epoch, fit: 0, ...entropies, value: accuracy, isBest, logs: { val_acc: accuracy, loss: 1 } };
  });
}

/** The cells of the table, the header row first. */
function cellsOf(page: string): string[][] {
  const table = /<table>[\s\S]*<\/table>/.exec(page)![0];
  return [...table.matchAll(/<tr[\s\S]*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) =>
      cell!.replace(/<svg[\s\S]*<\/svg>/, '').trim(),
    ),
  );
}

const two = (): ComparedTraining[] => [
  { name: 'seed 1', monitor: 'val_acc', history: historyOf([0.25, 0.5, 0.375]) },
  { name: 'seed 2', monitor: 'val_acc', history: historyOf([0.25, 0.375, 0.625, 0.125]) },
];

describe('compareReports', () => {
  it('has what each training kept, the mean and the standard deviation', async () => {
    const page = await compareReports(two(), { title: 'Two seeds' });
    expect(cellsOf(page)).toEqual([
      ['training', 'kept epoch', 'validation accuracy', 'gain over the last epoch', 'epochs'],
      ['seed 1', '1', '50.0 %', '+12.5 points', '3'],
      ['seed 2', '2', '62.5 %', '+50.0 points', '4'],
      // (0.625 − 0.5) / √2 and (0.5 − 0.125) / √2.
      ['mean ± standard deviation', '', '56.3 ± 8.8 %', '+31.3 ± 26.5 points', ''],
    ]);
    expect(page).toContain('<title>Two seeds</title>');
    expect(page).toContain(
      '<h1>2 trainings: the kept epochs have 56.3\u00a0% validation accuracy on average, +31.3\u00a0points',
    );
  });

  it('has a chart for each value, with a curve and a kept epoch for each training', async () => {
    const page = await compareReports(two());
    const titles = [...page.matchAll(/<figcaption>\s*<h2>(.*?)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual(['Validation accuracy', 'Training loss', 'Entropy (nats)']);
    expect(page).toContain('Seed 2: from 0.25 (epoch 0) to 0.125 (epoch 3); lowest 0.125');
    expect(page).not.toMatch(/<script|<link|<img|@import|url\((?!#)|\son\w+=/i);
  });

  it('takes checkpoints, their JSON from files, and plain histories together', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], {});
    const tensors = tf.memory().numTensors;
    const fromFile = JSON.parse(JSON.stringify(checkpoint)) as ComparedTraining;
    const page = await compareReports([checkpoint, { name: 'file', ...fromFile }, two()[0]!]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(cellsOf(page).map(([name, epoch]) => [name, epoch])).toEqual([
      ['training', 'kept epoch'],
      ['Training 1', '1'],
      ['file', '1'],
      ['seed 1', '1'],
      ['mean ± standard deviation', ''],
    ]);
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('keeps what it was given, and shows no value that JSON lost', async () => {
    const history = historyOf([0.5, 0.25]).map((record) => ({
      ...record,
      logs: { ...record.logs, loss: null },
    }));
    const trainings = JSON.stringify([{ history }]);
    const given = JSON.parse(trainings) as ComparedTraining[];
    const page = await compareReports(given);
    expect(JSON.stringify(given)).toBe(trainings);
    expect(page).not.toContain('Training loss');
  });

  it('says so if a training kept nothing', async () => {
    const [record] = historyOf([0.5]);
    const page = await compareReports([{ history: [{ ...record!, isBest: false }] }, { history: [] }]);
    expect(page).toContain('<h1>2 trainings: none kept an epoch</h1>');
    expect(cellsOf(page).map(([, epoch]) => epoch)).toEqual(['kept epoch', 'none', 'none', '']);
  });

  it('shows a monitored value once, though a history does not say what was monitored', async () => {
    const history = historyOf([0.5, 0.25]);
    expect(await compareReports([{ history }])).not.toContain('Monitored value');
    const other = history.map((record) => ({ ...record, value: 2 * record.value! }));
    expect(await compareReports([{ history: other }])).toContain('Monitored value');
  });

  it('has no mean of the values of different monitors', async () => {
    const history = historyOf([0.5, 0.25]).map((record) => ({ ...record, value: 2 * record.value! }));
    const lastOf = async (monitors: readonly string[]) => {
      const trainings = monitors.map((monitor) => ({ monitor, history }));
      const cells = cellsOf(await compareReports(trainings));
      return [cells[0]!.indexOf('monitored value'), ...cells.at(-1)!.slice(4)];
    };
    expect(await lastOf(['consensus', 'consensus'])).toEqual([4, '1 ± 0', '']);
    expect(await lastOf(['consensus', 'entropy'])).toEqual([4, '', '']);
  });

  it('names the averaged weights', async () => {
    const history = historyOf([0.5, 0.25]).map((record) => ({ ...record, isAveraged: true as const }));
    const cells = cellsOf(await compareReports([{ history }, ...two()]));
    expect(cells.map((row) => row.at(-1))).toEqual([
      'weights',
      'averaged',
      'of the epoch',
      'of the epoch',
      '',
    ]);
  });

  it("escapes the user's text", async () => {
    const page = await compareReports([{ name: '<script>', history: historyOf([1]) }], { title: '<script>' });
    expect(page).not.toContain('<script');
  });

  it('stays below a few MB for long trainings', async () => {
    const accuracies = Array.from({ length: 30_000 }, (_, i) => 0.5 + Math.sin(i) / 4);
    const history = historyOf(accuracies);
    const page = await compareReports(Array.from({ length: 24 }, () => ({ history })));
    expect(page.length).toBeLessThan(3e6);
  });

  const [record] = historyOf([0.5]);
  test.each([
    [null, 'Expected `trainings` to be a list of 1 to 24 checkpoints', 'ENTROPY_INVALID_ARGUMENT'],
    [[], 'Expected `trainings` to be a list of 1 to 24', 'ENTROPY_INVALID_ARGUMENT'],
    [Array.from({ length: 25 }, () => ({ history: [] })), 'a list of 1 to 24', 'ENTROPY_INVALID_ARGUMENT'],
    [
      [[record]],
      'Expected `trainings[0]` to be a checkpoint or an object with a `history`',
      'ENTROPY_INVALID_ARGUMENT',
    ],
    [[{ name: 'x' }], 'Expected `trainings[0].history` to be a list of epochs', 'ENTROPY_INVALID_ARGUMENT'],
    [[{ histroy: [] }], 'Did you mean `history`?', 'ENTROPY_INVALID_OPTION'],
    [[{ history: [], name: 5 }], 'Expected `name` to be a text that is not empty', 'ENTROPY_INVALID_OPTION'],
    [
      [{ history: [record, 5] }],
      'Expected `trainings[0].history[1]` to be the record',
      'ENTROPY_INVALID_ARGUMENT',
    ],
    [
      [{ history: [{ ...record, epoch: '0' }] }],
      'Expected `trainings[0].history[0].epoch` to be an integer from 0',
      'ENTROPY_INVALID_ARGUMENT',
    ],
    [
      [{ history: [{ ...record, logs: { loss: 'x' } }] }],
      'Expected `trainings[0].history[0].logs` to be an object of numbers',
      'ENTROPY_INVALID_ARGUMENT',
    ],
    [[{ history: [], best: { epoch: -1 } }], '`trainings[0].best.epoch`', 'ENTROPY_INVALID_ARGUMENT'],
  ])('refuses %j', async (trainings, message, code) => {
    const refused = compareReports(trainings as ComparedTraining[]);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code });
  });

  it('refuses unknown options', async () => {
    await expect(compareReports(two(), { titel: 'x' } as object)).rejects.toThrow('Did you mean `title`?');
  });
});

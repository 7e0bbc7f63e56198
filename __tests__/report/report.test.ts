import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, type LogValue } from '../../src/index.js';
import type { EpochRecord } from '../../src/epoch-record.js';
import { explain, type Outcome } from '../../src/report/explain.js';
import { report } from '../../src/report/report.js';
import type { EpochSelector } from '../../src/selection/epoch-selector.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { fitWithConfidences } from '../support/confidences.js';
import { makeModel } from '../support/fixtures.js';
import { fakeTraining } from '../support/fake-training.js';

/** The cells of the table of values, the header row first. */
function cellsOf(page: string): string[][] {
  const table = /<table>[\s\S]*<\/table>/.exec(page)![0];
  return [...table.matchAll(/<tr[\s\S]*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) => cell!.trim()),
  );
}

describe('the report', () => {
  it('has the explanation and every value of a training', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], {});
    const tensors = tf.memory().numTensors;
    const page = await checkpoint.report();
    expect(tf.memory().numTensors).toBe(tensors);

    const text = page.replace(/<\/?code>/g, '');
    expect(text).toContain(checkpoint.explain().replaceAll("'", '&#39;').replaceAll('`', ''));
    const [header, ...rows] = cellsOf(page);
    const logged = ['val_loss', 'val_acc', 'loss', 'acc'];
    const entropies = ['entropy', 'training entropy', 'validation entropy'];
    expect(header).toEqual(['epoch', 'state', ...entropies, ...logged]);
    expect(rows.map((row) => [row[0], row[1]])).toEqual([
      ['0', 'best so far'],
      ['1', 'kept'],
      ['2', ''],
    ]);
    for (const [i, record] of checkpoint.history.entries()) {
      const { entropy, trainEntropy, valEntropy, logs } = record;
      const expected = [entropy, trainEntropy, valEntropy, ...logged.map((name) => logs[name])];
      expect(rows[i]!.slice(2).map(Number)).toEqual(expected.map((value) => Number(value!.toPrecision(4))));
    }
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('has the logs that a custom training loop passed', async () => {
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, {
      filepath: null,
      monitor: 'f1',
      mode: 'max',
    });
    const loss = tf.scalar(0.25);
    // Logs in JavaScript may hold anything.
    const logs: Record<string, unknown> = { f1: 0.5, loss, note: 'x' };
    await checkpoint.saveCheckpoint(0, logs as Record<string, LogValue>);
    expect(checkpoint.history[0]!.logs).toEqual({ f1: 0.5, loss: 0.25 });
    const [header, row] = cellsOf(await checkpoint.report());
    expect(header).toEqual(['epoch', 'state', 'f1', 'loss']);
    expect(row).toEqual(['0', 'kept', '0.5', '0.25']);
    checkpoint.dispose();
    disposeTrained(model);
    loss.dispose();
  });

  it('is self-contained: no script, no other file', async () => {
    const page = await report(fakeTraining([{ value: 0.5, logs: { loss: 2 } }, { value: 0.6 }]));
    // Each chart for wide and for narrow screens.
    expect(page.match(/<svg viewBox="0 0 (780|380) /g)).toHaveLength(4);
    expect(page).not.toMatch(/<script|<link|<img|@import|url\((?!#)|\son\w+=/i);
    // The namespaces of SVG are URLs from which nothing is loaded.
    expect(page.replace(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:/);
  });

  it('is the same for the same training', async () => {
    const training = fakeTraining([{ value: 0.5, logs: { loss: 2 } }, { value: 0.6 }]);
    expect(await report(training)).toBe(await report(training));
  });

  it("escapes the user's text", async () => {
    const evil = '</style><script>alert(1)</script>"\'&';
    const page = await report(
      fakeTraining([{ value: 0.5, logs: { [evil]: 1 } }], { monitor: evil, mode: 'max' }),
      { title: evil },
    );
    expect(page).not.toContain('<script');
    expect(page).toContain(
      '<p class="title">&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</p>',
    );
  });

  it.each([
    [null, 'Expected an object of options, got null.'],
    ['title', "Expected an object of options, got 'title'."],
    [['title'], "Expected an object of options, got ['title']."],
    [{ title: 5 }, 'Expected `title` to be a string, got 5.'],
    [{ titel: 'x' }, 'Did you mean `title`?'],
    [{ format: 'pdf' }, "Expected `format` to be 'html' or 'json', got 'pdf'."],
  ])('refuses the options %j', async (options, message) => {
    const refused = report(fakeTraining([{ value: 0.5 }]), options as object);
    await expect(refused).rejects.toMatchObject({ code: 'ENTROPY_INVALID_OPTION' });
    await expect(refused).rejects.toThrow(message);
  });

  it('distinguishes the epochs of several `fit` calls', async () => {
    const page = await report(
      fakeTraining([{ value: 0.5 }, { value: 0.6 }, { value: 0.7, epoch: 0, fit: 1 }]),
    );
    expect(cellsOf(page).map(([epoch]) => epoch)).toEqual(['epoch', '0·0', '0·1', '1·0']);
  });

  it('says so before the first epoch', async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const page = await checkpoint.report({ title: 'Nothing yet' });
    expect(page).toContain('<p class="title">Nothing yet</p>');
    expect(page).toContain('<h1>No epoch has ended yet</h1>');
    expect(page).not.toContain('<table');
  });

  test.each([
    [{ topK: 2 }, 10, '2/e'],
    [{ topK: 2 }, 2, 'ln 2'],
    [{ topK: 3 }, 10, 'ln 3'],
    [{ topK: 1 }, 10, '1/e'],
    [{ topK: 1 }, 2, 'ln 2 / 2'],
  ])('with %j and %i classes has the largest entropy %s', async (options, numClasses, expected) => {
    const page = await report(fakeTraining([{ value: 0.3 }], options, numClasses));
    expect(page).toContain(`>the largest possible: ${expected}</text>`);
  });
});

describe('the largest possible entropy in the report', () => {
  const page = (highest: number, score: Outcome['score']): Promise<string> =>
    report({ ...fakeTraining([{ value: 0.5 }, { value: highest }]), score });

  it("isn't drawn where outputs have different numbers of classes", async () => {
    expect(await page(0.6, { numClasses: 2, mostClasses: 10 })).not.toContain('the largest possible');
  });

  it("isn't drawn where a curve exceeds it, so that the axis holds the curve", async () => {
    const classes = { numClasses: 2, mostClasses: 2 };
    expect(await page(0.6, classes)).toContain('the largest possible');
    expect(await page(0.72, classes)).not.toContain('the largest possible');
  });

  it('is drawn where rounding carries a curve above it', async () => {
    expect(await page(Math.LN2 + 1e-6, { numClasses: 2, mostClasses: 2 })).toContain('the largest possible');
  });
});

describe('the report as data', () => {
  const epochs = [
    { value: 0.5, logs: { loss: 2, val_acc: 0.25 } },
    { value: 0.6, logs: { loss: NaN, val_acc: 0.5 }, isAveraged: true as const },
    { value: 0.4, logs: { loss: 1, val_acc: 0.3 } },
  ];

  it('is what the page shows', async () => {
    const training = fakeTraining(epochs, { startFromEpoch: 1 });
    const json = await report(training, { title: 'Run 8', format: 'json' });
    expect(json).toMatchObject({
      title: 'Run 8',
      headline:
        'Epoch 1 was kept (averaged weights): +20.0 points of validation accuracy over the last epoch',
      explanation: explain(training),
      facts: [
        { name: 'Epochs', value: '3' },
        { name: 'Selected by', value: 'highest entropy' },
        { name: 'Kept weights', value: 'averaged over the last steps' },
        { name: 'Validation accuracy', value: '50.0 %; last epoch 30.0 %' },
        { name: 'Never selected', value: 'epochs before 1 (shaded)' },
        { name: 'Stored', value: 'in memory' },
      ],
      table: { columns: ['entropy', 'training entropy', 'loss', 'val_acc'] },
    });
    expect(json.best).toBe(training.selector.best);
    expect(json.table.rows[1]).toEqual({ epoch: '1', state: 'kept', values: [0.6, 0.6, NaN, 0.5] });
    const loss = json.charts.find(({ title }) => title === 'Loss');
    expect(loss?.curves[0]?.points).toEqual([
      [0, 2],
      [1, null],
      [2, 1],
    ]);
    const page = await report(training, { title: 'Run 8', format: 'html' });
    for (const { name, value } of json.facts) {
      expect(page).toContain(`<dt>${name}</dt>`);
      expect(page).toContain(`<dd>${value}</dd>`);
    }
    const sentences = json.charts.flatMap(({ curves }) => curves.map(({ description }) => description));
    const headline = json.headline.replace(' points', '\u00a0points');
    for (const text of [headline, ...sentences]) expect(page).toContain(text);
  });

  it('comes from the public method, and is plain data', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], {});
    const json = await checkpoint.report({ format: 'json' });
    expect(structuredClone(json)).toEqual(json);
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      title: 'Entropy checkpoint',
      best: { epoch: 1 },
    });
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('is empty before the first epoch', async () => {
    expect(await report(fakeTraining([]), { format: 'json' })).toMatchObject({
      headline: 'No epoch has ended yet',
      best: null,
      charts: [],
      table: { columns: [], rows: [] },
    });
  });
});

describe('the report of a long training', () => {
  // More than a call can take arguments.
  const numEpochs = 150_000;
  const kept = [70_001, 3, 90_007];

  /** The entropy falls and rises in every epoch, with a peak in the first of `kept`. */
  function longTraining(): Outcome {
    const training = fakeTraining([{ value: 0.5 }], { maxToKeep: kept.length });
    const history = Array.from({ length: numEpochs }, (_, epoch): EpochRecord => {
      const value = epoch === kept[0] ? 0.7 : 0.2 + 0.1 * (epoch % 2) + epoch / 1e6;
      const entropies = { entropy: value, trainEntropy: value, valEntropy: value };
      return { epoch, fit: 0, ...entropies, value, isBest: epoch <= kept[0]!, logs: { loss: 1 / epoch } };
    });
    const records = kept.map((epoch) => history[epoch]!);
    const selector = { best: records[0]!, kept: records, history };
    return {
      ...training,
      selector: { ...selector, last: null, isDecided: false, firstOfSeveralIsBest: false },
    };
  }

  it('has a page of a few MB with the extremes of the whole training', async () => {
    const page = await report(longTraining());
    expect(page.length).toBeLessThan(3e6);
    const json = JSON.stringify(await report(longTraining(), { format: 'json' }));
    expect(json.length).toBeLessThan(1e6);
    expect(page).toContain('Epoch 70001 was kept');
    expect(page).toContain('lowest 0.2 (epoch 0), highest 0.7 (epoch 70001)');
  });

  it('has the kept epochs in its table, the first and the last, and says how to get the others', async () => {
    const page = await report(longTraining());
    const [, ...rows] = cellsOf(page);
    const states = new Map(rows.map((row) => [row[0], row[1]]));
    expect(rows).toHaveLength(2000);
    expect(states.get('70001')).toBe('kept');
    expect(states.get('3')).toBe('also kept');
    expect(states.get('90007')).toBe('also kept');
    expect([rows[0]![0], rows.at(-1)![0]]).toEqual(['0', '149999']);
    expect(page).toContain('The table has 2,000 of 150,000 epochs');
    expect(page).toContain('<code>checkpoint.historyCsv()</code>');
  });

  it('has all values of 2,000 epochs', async () => {
    const page = await report(fakeTraining(Array.from({ length: 2000 }, (_, i) => ({ value: 1 / (i + 1) }))));
    expect(cellsOf(page)).toHaveLength(2001);
    expect(page).toContain('<h2>All values</h2>');
  });
});

it('has the same epochs in all its parts if training continues meanwhile', async () => {
  const training = fakeTraining([{ value: 0.5 }, { value: 0.6 }]);
  const making = report(training);
  const selector = training.selector as EpochSelector;
  const entropies = { entropy: 0.7, trainEntropy: 0.7, valEntropy: null };
  selector.add({ epoch: 2, fit: 0, ...entropies, logs: {} }, true);
  const page = await making;
  expect(selector.history).toHaveLength(3);
  expect(cellsOf(page)).toHaveLength(3);
  expect(page).toContain('of 2 epochs');
});

import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, type LogValue } from '../../src/index.js';
import type { EpochRecord } from '../../src/epoch-record.js';
import type { Outcome } from '../../src/report/explain.js';
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

    expect(page).toContain(checkpoint.explain().replaceAll("'", '&#39;'));
    const [header, ...rows] = cellsOf(page);
    const logged = ['val_loss', 'val_acc', 'loss', 'acc'];
    const entropies = ['entropy', 'training entropy', 'validation entropy'];
    expect(header).toEqual(['epoch', ...entropies, ...logged, 'state']);
    expect(rows.map((row) => [row[0], row.at(-1)])).toEqual([
      ['0', 'the best until then'],
      ['1', 'kept: the best'],
      ['2', ''],
    ]);
    for (const [i, record] of checkpoint.history.entries()) {
      const { entropy, trainEntropy, valEntropy, logs } = record;
      const expected = [entropy, trainEntropy, valEntropy, ...logged.map((name) => logs[name])];
      expect(rows[i]!.slice(1, -1).map(Number)).toEqual(
        expected.map((value) => Number(value!.toPrecision(4))),
      );
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
    expect(header).toEqual(['epoch', 'f1', 'loss', 'state']);
    expect(row).toEqual(['0', '0.5', '0.25', 'kept: the best']);
    checkpoint.dispose();
    disposeTrained(model);
    loss.dispose();
  });

  it('is self-contained: no script, no other file', async () => {
    const page = await report(fakeTraining([{ value: 0.5, logs: { loss: 2 } }, { value: 0.6 }]));
    expect(page.match(/<svg/g)).toHaveLength(2);
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
    expect(page).toContain('<h1>&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</h1>');
  });

  it.each([
    [null, 'Expected an object of options, got null.'],
    ['title', "Expected an object of options, got 'title'."],
    [['title'], "Expected an object of options, got ['title']."],
    [{ title: 5 }, 'Expected `title` to be a string, got 5.'],
    [{ titel: 'x' }, 'Did you mean `title`?'],
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
    expect(page).toContain('<h1>Nothing yet</h1>');
    expect(page).toContain('No epoch has ended yet.');
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
    expect(page).toContain('Epoch 70001 was kept');
    expect(page).toContain('lowest 0.2 (epoch 0), highest 0.7 (epoch 70001)');
  });

  it('has the kept epochs in its table, the first and the last, and says how to get the others', async () => {
    const page = await report(longTraining());
    const [, ...rows] = cellsOf(page);
    const states = new Map(rows.map((row) => [row[0], row.at(-1)]));
    expect(rows).toHaveLength(2000);
    expect(states.get('70001')).toBe('kept: the best');
    expect(states.get('3')).toBe('kept as well');
    expect(states.get('90007')).toBe('kept as well');
    expect([rows[0]![0], rows.at(-1)![0]]).toEqual(['0', '149999']);
    expect(page).toContain('The table has 2,000 of 150,000 epochs');
    expect(page).toContain('`checkpoint.historyCsv()`');
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

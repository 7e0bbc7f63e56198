import { describe, expect, it } from '@jest/globals';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { historyCsv } from '../../src/report/history-csv.js';
import { fitWithConfidences } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { fakeTraining } from '../support/fake-training.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

/** Reads CSV by the grammar of RFC 4180, character by character. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let [row, cell, isQuoted] = [[] as string[], '', false];
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[++i]!;
      else isQuoted = false;
    } else if (character === '"' && cell === '') {
      isQuoted = true;
    } else if (character === ',') {
      row.push(cell);
      cell = '';
    } else if (character === '\r' && text[i + 1] === '\n') {
      rows.push([...row, cell]);
      [row, cell] = [[], ''];
      i += 1;
    } else {
      cell += character;
    }
  }
  expect([row, cell, isQuoted]).toEqual([[], '', false]);
  return rows;
}

describe('the history as CSV', () => {
  it('is empty before training', () => {
    expect(new EntropyCheckpointCallback().historyCsv()).toBe('');
    expect(historyCsv(fakeTraining([]))).toBe('');
  });

  it('has every value of a training in full precision', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], { monitor: 'val_loss' });
    await expectNoTensorsLeft(() => {
      const [header, ...rows] = parseCsv(checkpoint.historyCsv());
      const logged = ['val_loss', 'val_acc', 'loss', 'acc'];
      expect(header).toEqual([
        'epoch',
        'fit',
        'value',
        'is_best',
        'entropy',
        'train_entropy',
        'val_entropy',
        ...logged,
      ]);
      expect(rows).toHaveLength(3);
      for (const [i, record] of checkpoint.history.entries()) {
        const { epoch, fit, value, isBest, entropy, trainEntropy, valEntropy, logs } = record;
        const numbers = [value, entropy, trainEntropy, valEntropy, ...logged.map((name) => logs[name])];
        const [epochCell, fitCell, valueCell, isBestCell, ...others] = rows[i]!;
        expect([epochCell, fitCell, isBestCell]).toEqual([`${epoch}`, `${fit}`, `${isBest}`]);
        expect([valueCell, ...others].map(Number)).toEqual(numbers);
      }
    });
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('has the fields that only some trainings have', () => {
    const csv = historyCsv(
      fakeTraining([
        { value: null, valChanges: null, valInformation: 0.25, isAveraged: true },
        { value: 0.1 + 0.2, valChanges: 1e-7, valInformation: 0.5, isAveraged: true },
      ]),
    );
    expect(csv).toBe(
      'epoch,fit,value,is_best,is_averaged,entropy,train_entropy,val_entropy,val_changes,val_information\r\n' +
        '0,0,,false,true,,,,,0.25\r\n' +
        '1,0,0.30000000000000004,true,true,0.30000000000000004,0.30000000000000004,,1e-7,0.5\r\n',
    );
  });

  it('has an empty cell for no value, and writes numbers that JSON has no literal for', () => {
    const csv = historyCsv(
      fakeTraining([
        { value: NaN, logs: { loss: Infinity } },
        { value: null, logs: { other: -0.5 } },
      ]),
    );
    const rows = parseCsv(csv).map((row) => row.slice(2));
    expect(rows).toEqual([
      ['value', 'is_best', 'entropy', 'train_entropy', 'val_entropy', 'loss', 'other'],
      ['NaN', 'false', 'NaN', 'NaN', '', 'Infinity', ''],
      ['', 'false', '', '', '', '', '-0.5'],
    ]);
  });

  it('keeps any name of a log, and gives each column its own name', () => {
    const names = [
      'a,b',
      'say "x"',
      '"',
      'two\nlines',
      'two\r\nlines',
      ' spaced ',
      '',
      '__proto__',
      'constructor',
    ];
    const logs = Object.fromEntries([...names, 'epoch', 'entropy'].map((name, i) => [name, i]));
    const [header, row, without] = parseCsv(historyCsv(fakeTraining([{ value: 0.5, logs }, { value: 0.6 }])));
    expect(header!.slice(7)).toEqual([...names, 'epoch (metric)', 'entropy (metric)']);
    expect(row!.slice(7)).toEqual(Object.values(logs).map(String));
    expect(without!.slice(7)).toEqual(Object.values(logs).map(() => ''));
    expect(new Set(header).size).toBe(header!.length);
  });
});

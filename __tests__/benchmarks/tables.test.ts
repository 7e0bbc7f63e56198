import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { boundsOf } from '../../benchmarks/bounds.js';
import { requireMarks, writeBetweenMarks } from '../../benchmarks/markdown-file.js';
import { timeText } from '../../benchmarks/figures.js';
import type { FitResult } from '../../benchmarks/results.js';
import type { Estimate } from '../../benchmarks/statistics.js';
import { asMarkdown, asText } from '../../benchmarks/table.js';
import { useTempFolder } from '../support/fixtures.js';

const tempFolder = useTempFolder();

describe('a table', () => {
  const table = { title: 'fit', head: ['', 'bare'], rows: [['dense|wide', '12 ms']], notes: ['a note'] };

  test('is markdown, with text to the left and numbers to the right', () => {
    expect(asMarkdown(table).split('\n')).toEqual([
      '### fit',
      '',
      '|             |  bare |',
      '| ----------- | ----: |',
      '| dense\\|wide | 12 ms |',
      '',
      '- a note',
    ]);
  });

  test('is text for a terminal', () => {
    const text = asText(table);
    for (const part of ['fit', 'dense|wide', '12 ms', '  a note']) expect(text).toContain(part);
  });
});

test.each([
  [0.0123, '0.012 ms'],
  [4.56, '4.6 ms'],
  [99.4, '99 ms'],
  [123.4, '123 ms'],
  [5730, '5.73 s'],
  [20_123, '20.1 s'],
])('%d ms are written as %s', (ms, text) => {
  expect(timeText(ms)).toBe(text);
});

describe('the file of results', () => {
  test('keeps what stands around its marks', () => {
    const path = join(tempFolder(), 'README.md');
    writeFileSync(path, '# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nThe end.\n');
    writeBetweenMarks(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe(
      '# Title\n\n<!-- results -->\n\nnew\n\n<!-- /results -->\n\nThe end.\n',
    );
  });

  test('without marks is refused and left as it is', () => {
    const path = join(tempFolder(), 'README.md');
    writeFileSync(path, '# Title\n');
    expect(() => {
      requireMarks(path);
    }).toThrow('<!-- results -->');
    expect(() => {
      writeBetweenMarks(path, 'new');
    }).toThrow('<!-- results -->');
    expect(readFileSync(path, 'utf8')).toBe('# Title\n');
  });
});

describe('the bounds', () => {
  const of = (median: number): Estimate => ({ median, low: median - 0.005, high: median + 0.005, count: 50 });
  const fit = (callback: number, again: number): FitResult => ({
    backend: 'wasm',
    workload: 'dense',
    outcome: {
      size: { title: '', batchSize: 1, trainRows: 1, validationRows: 1, epochs: 1 },
      bareMs: 1,
      ratios: { control: of(1), callback: of(callback), 'predict-again': of(again) },
      isSettled: true,
      rounds: [],
    },
  });
  const missed = (result: FitResult): string[] =>
    boundsOf({ fits: [result], kernels: [], memory: [], saving: { fits: [], pauses: [], large: [] } })
      .filter(({ isHeld }) => !isHeld)
      .map(({ of: what }) => what);

  test('are held by a callback that costs a hundredth', () => {
    expect(missed(fit(1.01, 1.5))).toEqual([]);
  });

  test('are missed by one that costs more, or as much as predicting again', () => {
    expect(missed(fit(1.03, 1.5))).toEqual(['fit with the callback, dense on wasm']);
    expect(missed(fit(1.01, 1.012))).toEqual(['what it adds, of what predicting again adds, dense on wasm']);
  });
});

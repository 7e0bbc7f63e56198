import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { boundsOf } from '../../benchmarks/bounds.js';
import { requireMarks, writeBetweenMarks } from '../../benchmarks/markdown-file.js';
import { timeText } from '../../benchmarks/figures.js';
import type { FitOutcome, FitResult } from '../../benchmarks/results.js';
import type { Estimate } from '../../benchmarks/statistics.js';
import { asMarkdown, asText } from '../../benchmarks/table.js';
import { useTempFolder } from '../support/fixtures.js';

const tempFolder = useTempFolder();

describe('a result table', () => {
  const table = { title: 'fit', head: ['', 'bare'], rows: [['dense|wide', '12 ms']], notes: ['a note'] };

  it('prints as Markdown with text on the left and numbers on the right', () => {
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

  it('prints as text for a terminal', () => {
    const text = asText(table);
    for (const part of ['fit', 'dense|wide', '12 ms', '  a note']) expect(text).toContain(part);
  });
});

describe('timeText', () => {
  it.each([
    [0.0123, '0.012 ms'],
    [4.56, '4.6 ms'],
    [99.4, '99 ms'],
    [123.4, '123 ms'],
    [5730, '5.73 s'],
    [20_123, '20.1 s'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(timeText(ms)).toBe(text);
  });
});

describe('writeBetweenMarks', () => {
  it('keeps the text around the marks', () => {
    const path = join(tempFolder(), 'README.md');
    writeFileSync(path, '# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nThe end.\n');
    writeBetweenMarks(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe(
      '# Title\n\n<!-- results -->\n\nnew\n\n<!-- /results -->\n\nThe end.\n',
    );
  });

  it('refuses a file without marks, and leaves it as it was', () => {
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

describe('boundsOf', () => {
  const estimateOf = (median: number): Estimate => ({
    median,
    low: median - 0.005,
    high: median + 0.005,
    count: 50,
  });
  const fitResult = (callback: number, again: number): FitResult => ({
    backend: 'wasm',
    workload: 'dense',
    outcome: {
      size: { title: '', batchSize: 1, trainRows: 1, validationRows: 1, epochs: 1 },
      bareMs: 1,
      ratios: { control: estimateOf(1), callback: estimateOf(callback), 'predict-again': estimateOf(again) },
      attributed: null,
      isSettled: true,
      rounds: [],
    },
  });
  const missed = (result: FitResult): string[] =>
    boundsOf({ fits: [result], kernels: [], memory: [], saving: { fits: [], pauses: [], large: [] } })
      .filter(({ isMet }) => !isMet)
      .map(({ figure }) => figure);

  it('are met by a callback that costs one percent', () => {
    expect(missed(fitResult(1.01, 1.5))).toEqual([]);
  });

  it('are missed by a callback that costs more, or as much as predicting again', () => {
    expect(missed(fitResult(1.03, 1.5))).toEqual(['fit with the callback, dense on wasm']);
    expect(missed(fitResult(1.01, 1.012))).toEqual(['share of what predicting again adds, dense on wasm']);
  });

  it('are judged by CPU time where it is attributed', () => {
    const { outcome, ...rest } = fitResult(1.06, 1.5);
    const attributed = {
      callback: estimateOf(1.01),
      consensus: estimateOf(1.04),
      averaged: estimateOf(1.02),
    };
    expect(missed({ ...rest, outcome: { ...(outcome as FitOutcome), attributed } })).toEqual([
      'CPU time of fit with the monitor consensus, dense on wasm',
      'CPU time of fit with averaged weights over without, dense on wasm',
    ]);
  });
});

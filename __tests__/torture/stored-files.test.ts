import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { leftoversIn, linkCopy, storedFiles } from '../../torture/stored-files.js';
import { useTempFolder } from '../support/fixtures.js';

const NAMED = 'weights.0123456789abcdef.bin';
const UNNAMED = 'weights.fedcba9876543210.bin';
const TEMPORARY = '.entropy-checkpoint.0123456789abcdef.tmp';

const tempFolder = useTempFolder();

test('tells slots, files of no use, and those of others', () => {
  const folder = tempFolder();
  expect(leftoversIn(join(folder, 'not there'))).toEqual([]);
  const manifest = JSON.stringify({ weightsManifest: [{ paths: [NAMED] }] });
  writeFileSync(join(folder, 'model.json'), manifest);
  writeFileSync(join(folder, 'model.last.json'), '{"weightsMan');
  for (const name of [NAMED, UNNAMED, TEMPORARY, 'notes.txt']) writeFileSync(join(folder, name), '');
  expect([...storedFiles(folder).slots]).toEqual([
    ['best', [NAMED]],
    ['last', []],
  ]);
  expect(leftoversIn(folder)).toEqual([TEMPORARY, UNNAMED]);
});

test('a copy stays as it is when a file of the original is replaced', () => {
  const folder = join(tempFolder(), 'original');
  const copy = join(tempFolder(), 'copy');
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.json'), 'old');
  linkCopy(folder, copy);
  writeFileSync(join(folder, 'new'), 'new');
  expect(readFileSync(join(copy, 'model.json'), 'utf8')).toBe('old');
});

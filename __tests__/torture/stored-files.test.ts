import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { leftoversIn, linkCopy, storedFiles } from '../../torture/stored-files.js';
import { useTempFolder } from '../support/fixtures.js';

const NAMED = 'weights.0123456789abcdef.bin';
const UNNAMED = 'weights.fedcba9876543210.bin';
const TEMPORARY = '.entropy-checkpoint.0123456789abcdef.tmp';

const tempFolder = useTempFolder();

describe('storedFiles', () => {
  it('lists slots and leftovers, and ignores other files', () => {
    const folder = tempFolder();
    expect(leftoversIn(join(folder, 'missing'))).toEqual([]);
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
});

describe('linkCopy', () => {
  it('keeps the old content when a file of the original is replaced', () => {
    const folder = join(tempFolder(), 'original');
    const copy = join(tempFolder(), 'copy');
    mkdirSync(folder);
    writeFileSync(join(folder, 'model.json'), 'old');
    linkCopy(folder, copy);
    writeFileSync(join(folder, 'new'), 'new');
    renameSync(join(folder, 'new'), join(folder, 'model.json'));
    expect(readFileSync(join(folder, 'model.json'), 'utf8')).toBe('new');
    expect(readFileSync(join(copy, 'model.json'), 'utf8')).toBe('old');
  });
});

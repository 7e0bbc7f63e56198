import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = [
  '.github',
  '__tests__',
  'backends',
  'benchmarks',
  'docs',
  'examples',
  'scripts',
  'src',
  'study',
  'torture',
];
const TEXT = /\.(?:ts|js|css|html|glsl|wgsl|md|yml|sh)$/;

/** Every text of the project that a person wrote, by its path. */
function texts(): Map<string, string> {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  const paths = [...readdirSync(ROOT), ...inFolders].filter(
    (path) => TEXT.test(path) && join(ROOT, path) !== import.meta.filename,
  );
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

/** What is not said, and what is said in its place. */
const INSTEAD: readonly (readonly [RegExp, string])[] = [
  [/\bof (?:one|your|his|her|their|its)(?:['’]s)? own\b/i, 'custom training loop, its own'],
  [/\btold (?:from|by)\b/i, 'inferred from'],
  [/\btells? which\b/i, 'selects'],
  [/\bchoice among\b/i, 'selection'],
  [/\b(?:go|goes|going|went|gone) on\b/i, 'resume, continue'],
  [/\b(?:put|puts|putting) (?:it |them )?back\b/i, 'restore'],
  [/\b(?:give|gives|giving|gave|given) (?:it |them )?back\b/i, 'release, return'],
  [/\bclaim(?:s|ed|ing)?\b/i, 'lock'],
  [/\bcheckpoint head\b|\bCheckpointHead\b/, 'manifest'],
  [/\bplacements?\b/i, 'slot update'],
  [/keepers?\b/i, 'training session, saver'],
  [/\bheld states?\b/i, 'in-memory state'],
  [/\bbreathe/i, 'yield if due'],
  [/\bin lanes\b|\blanes\b|\ball ended\b/i, 'map concurrently, settle all'],
  [/\bgravest\b/i, 'most serious first'],
  [/\bby hand\b/i, 'how it is really done'],
  [/\bin the midst\b/i, 'in the middle, during'],
  [/\bto be had\b/i, 'available'],
  [/\bby way of\b/i, 'by, through'],
  [/\bthe contrary\b/i, 'the opposite'],
  [/\bas many a\b/i, 'as many'],
  [/\bcriterion(?:Rows)?\b/i, 'monitor'],
];
/** The changelog names what was renamed. */
const ALLOWED: readonly (readonly [path: string, words: RegExp])[] = [
  ['CHANGELOG.md', /`(?:CheckpointHead|Placement|criterion|criterionRows)`/g],
];

test('every text uses the words of the glossary', () => {
  const found = [...texts()].flatMap(([path, text]) => {
    const allowed = ALLOWED.filter(([page]) => page === path);
    const checked = allowed.reduce((rest, [, words]) => rest.replaceAll(words, ''), text);
    return checked
      .split('\n')
      .flatMap((line, index) =>
        INSTEAD.filter(([word]) => word.test(line)).map(
          ([, instead]) => `${path}:${index + 1} say: ${instead}: ${line.trim()}`,
        ),
      );
  });
  expect(found).toEqual([]);
});

test('the files are named by the field, not by what they are good for', () => {
  const paths = [...texts().keys()].filter((path) => path.startsWith('src'));
  expect(paths.length).toBeGreaterThan(100);
  expect(paths.filter((path) => /utils?|helpers?|manager|keeper|misc/.test(relative('src', path)))).toEqual(
    [],
  );
});

test('`src` holds at most eleven files beside its rooms', () => {
  const files = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeLessThanOrEqual(11);
});

test('the README has at most 1,100 words outside its code', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const prose = readme.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/<!--[^]*?-->|\]\([^)]*\)/g, ' ');
  const words = prose.match(/[\p{L}\p{N}][^\s|]*/gu) ?? [];
  expect(words.length).toBeGreaterThan(500);
  expect(words.length).toBeLessThanOrEqual(1100);
});

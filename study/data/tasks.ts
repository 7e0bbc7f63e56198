import seedrandom from 'seedrandom';
import { readFashionMnist } from '../../examples/noisy-mnist/fashion-mnist-files.js';
import { NUM_CLASSES, type ImagePool } from '../../examples/noisy-mnist/image-pool.js';
import { readMnist } from '../../examples/noisy-mnist/mnist-files.js';
import { drawWithoutReplacement } from '../../examples/noisy-mnist/sampling.js';
import { imageSamples, imageShape } from './image-features.js';
import { KEEL_TASKS, readKeel, type KeelTaskName } from './keel.js';
import { NUM_LANGUAGES, readLanguages } from './languages.js';
import { pickRows, splitRows, type InputForm, type Samples, type Sizes, type Task } from './samples.js';
import {
  inputShapeOf,
  samplesOf,
  trigramsOf,
  wordsOf,
  type LabelledText,
  type TextFeatures,
} from './text-features.js';
import { NUM_PARTS_OF_SPEECH, NUM_TOPICS, readGlosses, readPartsOfSpeech } from './wordnet.js';

/** Whose data come with the packages of the project. */
export const PACKAGED_TASKS = ['mnist', 'fashion-mnist', 'languages', 'glosses', 'parts-of-speech'] as const;
export const TASKS = [...PACKAGED_TASKS, ...KEEL_TASKS] as const;
export type TaskName = (typeof TASKS)[number];

export const NUM_CLASSES_OF: Readonly<Record<TaskName, number>> = {
  mnist: NUM_CLASSES,
  'fashion-mnist': NUM_CLASSES,
  languages: NUM_LANGUAGES,
  glosses: NUM_TOPICS,
  'parts-of-speech': NUM_PARTS_OF_SPEECH,
  marketing: 9,
  mushroom: 2,
  phoneme: 2,
  segment: 7,
  splice: 3,
};

/** Data that are read once, and drawn from for each seed. */
interface Source {
  readonly sizes: Sizes;
  readonly shape: (form: InputForm) => readonly number[];
  /** Draws `count` random rows. */
  readonly draw: (count: number, form: InputForm, random: () => number) => Samples;
}

const SIZES: Sizes = { train: 1500, validation: 500, test: 2000 };

/** How many characters a recurrent network gets: every word is shorter, and pieces of languages are cut in half. */
const SEQUENCE_LENGTH = 16;

const SOURCES: Record<TaskName, () => Source> = {
  mnist: () => imageSource(mergePools(readMnist())),
  'fashion-mnist': () => imageSource(readFashionMnist()),
  languages: () =>
    textSource(
      readLanguages(),
      NUM_CLASSES_OF.languages,
      { train: 1500, validation: 400, test: 1900 },
      {
        tokensOf: trigramsOf,
        buckets: 256,
        length: SEQUENCE_LENGTH,
      },
    ),
  glosses: () =>
    textSource(readGlosses(), NUM_CLASSES_OF.glosses, SIZES, {
      tokensOf: wordsOf,
      buckets: 256,
      length: SEQUENCE_LENGTH,
    }),
  'parts-of-speech': () =>
    textSource(readPartsOfSpeech(), NUM_CLASSES_OF['parts-of-speech'], SIZES, {
      tokensOf: trigramsOf,
      buckets: 256,
      length: SEQUENCE_LENGTH,
    }),
  marketing: () => tableSource('marketing', SIZES),
  mushroom: () => tableSource('mushroom', SIZES),
  phoneme: () => tableSource('phoneme', SIZES),
  segment: () => tableSource('segment', { train: 1200, validation: 400, test: 710 }),
  splice: () => tableSource('splice', { train: 1500, validation: 500, test: 1190 }),
};

const sources = new Map<TaskName, Source>();

/** Loads a task. The same seed draws the same rows in the same order. All parts are drawn at once, and share no row. */
export function loadTask(name: TaskName, form: InputForm, seed: number): Task {
  const source = sources.get(name) ?? SOURCES[name]();
  sources.set(name, source);
  const { sizes } = source;
  const random = seedrandom(`rows ${name} ${seed}`);
  const rows = source.draw(sizes.train + sizes.validation + sizes.test, form, random);
  return { inputShape: source.shape(form), numClasses: NUM_CLASSES_OF[name], ...splitRows(rows, sizes) };
}

function imageSource(pool: ImagePool): Source {
  return {
    sizes: SIZES,
    shape: imageShape,
    draw: (count, form, random) =>
      imageSamples(pool, drawWithoutReplacement(pool.labels.length, count, random), form),
  };
}

function mergePools({ train, test }: { train: ImagePool; test: ImagePool }): ImagePool {
  const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    const both = new Uint8Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
  };
  return { pixels: join(train.pixels, test.pixels), labels: join(train.labels, test.labels) };
}

function textSource(
  texts: readonly LabelledText[],
  numClasses: number,
  sizes: Sizes,
  features: TextFeatures,
): Source {
  return {
    sizes,
    shape: (form) => inputShapeOf(features, form),
    draw: (count, form, random) => samplesOf(drawBalanced(texts, numClasses, count, random), features, form),
  };
}

function tableSource(name: KeelTaskName, sizes: Sizes): Source {
  const table = readKeel(name);
  return {
    sizes,
    shape: () => [table.width],
    draw: (count, _form, random) =>
      pickRows(table, drawWithoutReplacement(table.labels.length, count, random)),
  };
}

/** Draws equally many texts of each class, in random order. */
function drawBalanced(
  texts: readonly LabelledText[],
  numClasses: number,
  count: number,
  random: () => number,
): LabelledText[] {
  const quota = Math.ceil(count / numClasses);
  const taken = new Uint32Array(numClasses);
  const drawn: LabelledText[] = [];
  for (const index of drawWithoutReplacement(texts.length, texts.length, random)) {
    const text = texts[index]!;
    if (drawn.length < count && taken[text.label]!++ < quota) drawn.push(text);
  }
  // Rare classes were drawn last. Shuffles again, so that every part has its share of them.
  return Array.from(drawWithoutReplacement(drawn.length, drawn.length, random), (index) => drawn[index]!);
}

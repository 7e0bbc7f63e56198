import { imageOf, NUM_PIXELS, type ImagePool } from '../../noisy-mnist/image-pool.js';
import { element, setText } from './page.js';
import type { Run } from './run.js';

const MAX_SHOWN = 12;
const SIDE = Math.sqrt(NUM_PIXELS);

/** Shows the digits that the last and the kept epoch classify differently. */
export function showDigits({ digits, last, kept }: Run): void {
  if (last === null || kept === null) {
    showMemorised([], digits.train, 'No epoch is kept yet.');
    showTested([], digits.test, 'No epoch is kept yet.');
    return;
  }
  const { train, noisyLabels, test } = digits;
  const wrong = indicesWhere(noisyLabels, (label, index) => label !== train.labels[index]);
  const repeatedBy = (classes: Uint8Array): number[] =>
    wrong.filter((index) => classes[index] === noisyLabels[index]);
  const repeated = repeatedBy(last.train.classes);
  const repeatedByLastOnly = repeated.filter((index) => kept.train.classes[index] !== noisyLabels[index]);
  showMemorised(
    repeatedByLastOnly.map((index) => ({
      index,
      label: noisyLabels[index]!,
      last: last.train.classes[index]!,
      kept: kept.train.classes[index]!,
    })),
    train,
    wrong.length === 0
      ? 'This training has no wrong labels.'
      : `Of ${wrong.length} wrong labels, the last epoch repeats ${repeated.length}, and the kept epoch ` +
          `${repeatedBy(kept.train.classes).length}. ` +
          listHeading(repeatedByLastOnly.length, 'that only the last epoch repeats'),
  );

  const disputed = indicesWhere(
    test.labels,
    (_, index) => last.test.classes[index] !== kept.test.classes[index],
  );
  showTested(
    disputed.map((index) => ({
      index,
      label: null,
      last: last.test.classes[index]!,
      kept: kept.test.classes[index]!,
    })),
    test,
    `Of ${test.labels.length} test digits, the last epoch gets ${numRight(last.test.classes, test.labels)} right, ` +
      `and the kept epoch ${numRight(kept.test.classes, test.labels)}. ` +
      listHeading(disputed.length, 'on which they disagree'),
  );
}

interface ShownDigit {
  readonly index: number;
  /** The wrong label that was learnt; null for a test digit. */
  readonly label: number | null;
  readonly last: number;
  readonly kept: number;
}

function showMemorised(shown: readonly ShownDigit[], pool: ImagePool, text: string): void {
  showList('memorised', shown, pool);
  setText('memorised-text', text);
}

function showTested(shown: readonly ShownDigit[], pool: ImagePool, text: string): void {
  showList('tested', shown, pool);
  setText('tested-text', text);
}

function showList(id: string, shown: readonly ShownDigit[], pool: ImagePool): void {
  const items = shown.slice(0, MAX_SHOWN).map((digit) => itemOf(digit, pool));
  element(id, HTMLElement).replaceChildren(...items);
}

function itemOf({ index, label, last, kept }: ShownDigit, pool: ImagePool): HTMLLIElement {
  const truth = pool.labels[index]!;
  const item = document.createElement('li');
  const lines = document.createElement('p');
  if (label !== null) lines.append(`label ${label}`, document.createElement('br'));
  lines.append(verdict('last', last, truth), document.createElement('br'), verdict('kept', kept, truth));
  item.append(digitCanvas(imageOf(pool, index), truth), lines);
  return item;
}

/** Shows by a sign as well as by colour whether a prediction is right. */
function verdict(epoch: string, predicted: number, truth: number): HTMLSpanElement {
  const isRight = predicted === truth;
  const line = document.createElement('span');
  line.className = isRight ? 'right' : 'wrong';
  const sign = document.createElement('span');
  sign.setAttribute('aria-hidden', 'true');
  sign.textContent = isRight ? ' ✓' : ' ✗';
  const spoken = document.createElement('span');
  spoken.className = 'visually-hidden';
  spoken.textContent = isRight ? ', right' : ', wrong';
  line.append(`${epoch} ${predicted}`, sign, spoken);
  return line;
}

function digitCanvas(pixels: Uint8Array, truth: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = SIDE;
  canvas.height = SIDE;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `A handwritten ${truth}`);
  const image = new ImageData(SIDE, SIDE);
  pixels.forEach((value, index) => {
    image.data.set([value, value, value, 255], 4 * index);
  });
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

function listHeading(count: number, which: string): string {
  if (count === 0) return `There are none ${which}.`;
  return count > MAX_SHOWN ? `The first ${MAX_SHOWN} of ${count} ${which}:` : `Those ${which}:`;
}

function numRight(classes: Uint8Array, labels: Uint8Array): number {
  return indicesWhere(labels, (label, index) => classes[index] === label).length;
}

function indicesWhere(labels: Uint8Array, matches: (label: number, index: number) => boolean): number[] {
  return Array.from(labels.keys()).filter((index) => matches(labels[index]!, index));
}

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { STYLE_SHEET } from '../../src/report/style-sheet.js';

const PAGE = readFileSync(new URL('../../examples/browser/src/style.css', import.meta.url), 'utf8');

/** The values of a variable: in the light theme first, then in the dark one. */
function valuesOf(css: string, name: string): string[] {
  return Array.from(css.matchAll(new RegExp(`--${name}: (#\\w+);`, 'g')), ([, value]) => value!).slice(0, 2);
}

test.each(['first', 'second', 'third', 'sixth', 'kept'])(
  'the page and reports have the same colour “%s”',
  (name) => {
    expect(valuesOf(PAGE, name)).toHaveLength(2);
    expect(valuesOf(PAGE, name)).toEqual(valuesOf(STYLE_SHEET, name));
  },
);

test.each(['first', 'second', 'kept'])('the picture of the README has the colour “%s” too', (name) => {
  const picture = readFileSync(new URL('../../docs/images/kept-against-last.svg', import.meta.url), 'utf8');
  expect(picture).toContain(`"${valuesOf(STYLE_SHEET, name)[0]!}"`);
});

test('what is kept does not have the colour of what is wrong', () => {
  expect(valuesOf(PAGE, 'wrong')).toHaveLength(2);
  const wrong = valuesOf(PAGE, 'wrong');
  expect(valuesOf(PAGE, 'kept').filter((value) => wrong.includes(value))).toEqual([]);
});

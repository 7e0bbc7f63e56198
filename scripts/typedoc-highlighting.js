// A plugin of typedoc: colours every line of code. Shiki leaves a line plain that takes it more than 500 ms, as happens on a
// busy machine, and typedoc has no option for that.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * What is used of Shiki and its grammars.
 *
 * @typedef {object} Grammar
 * @property {(this: Grammar, line: string, state: unknown, timeLimitMs: number) => unknown} tokenizeLine2
 *
 * @typedef {object} Shiki
 * @property {Record<string, unknown>} bundledLanguages
 * @property {() => Promise<void>} loadBuiltinWasm
 * @property {() => Promise<unknown>} createOnigurumaEngine
 * @property {(options: object) => Promise<{ getLanguage: (name: string) => Grammar }>} createShikiInternal
 */

export async function load() {
  // The copy that typedoc uses.
  const require = createRequire(import.meta.resolve('typedoc'));
  /** @type {unknown} */
  const module = await import(pathToFileURL(require.resolve('@gerrit0/mini-shiki')).href);
  const shiki = /** @type {Shiki} */ (module);
  await shiki.loadBuiltinWasm();
  const { getLanguage } = await shiki.createShikiInternal({
    engine: await shiki.createOnigurumaEngine(),
    langs: [shiki.bundledLanguages['json']],
    themes: [],
  });
  /** @type {unknown} */
  const shared = Object.getPrototypeOf(getLanguage('json'));
  const prototype = /** @type {Grammar} */ (shared);
  const { tokenizeLine2 } = prototype;
  prototype.tokenizeLine2 = function (line, state) {
    return tokenizeLine2.call(this, line, state, 0); // no limit
  };
}

// A plugin of typedoc: a guide is called by its heading, not by its path.
import { Converter } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const [first] = document.content;
    const heading = first?.kind === 'text' ? /^# (.+)/.exec(first.text) : null;
    if (heading === null) throw new Error(`${document.name}: expected a guide to begin with its heading.`);
    document.name = heading[1];
  });
}

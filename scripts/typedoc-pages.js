// A plugin of typedoc: names each page by its heading, and puts it into a group of the sidebar.
import { Converter } from 'typedoc';

/** By path without extension. What is not listed is a guide. */
const GROUPS = {
  Evidence: ['docs/reliability', 'docs/costs', 'benchmarks/README', 'study/README', 'study/RESULTS'],
  Project: ['CONTRIBUTING', 'CHANGELOG'],
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const [group = 'Guides'] =
      Object.entries(GROUPS).find(([, paths]) => paths.includes(document.name)) ?? [];
    document.frontmatter['group'] = group;
    const [first] = document.content;
    const heading = first?.kind === 'text' ? /^# (.+)/.exec(first.text) : null;
    if (heading === null) throw new Error(`${document.name}: expected a page to begin with its heading.`);
    document.name = heading[1];
  });
}

// A plugin of typedoc: names each page by its heading, puts it into a group of the sidebar, and links the live page, which
// `npm run docs` builds beside the pages.
import { Converter, JSX } from 'typedoc';

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
  // The option `sidebarLinks` knows only absolute addresses.
  app.renderer.hooks.on('sidebar.begin', (context) =>
    JSX.createElement(
      'nav',
      { class: 'tsd-navigation', 'aria-label': 'Live page' },
      JSX.createElement('a', { href: context.relativeURL('demo/index.html') }, 'Try it without installing'),
    ),
  );
}

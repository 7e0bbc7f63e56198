// A plugin of typedoc: names each page by its heading, puts it into a group of the sidebar, and links the live page, which
// `npm run docs` builds beside the pages. The search finds each question and each error by its heading.
import { Converter, DocumentReflection, IndexEvent, JSX } from 'typedoc';

/** By path without extension. What is not listed is a guide. */
const GROUPS = {
  Evidence: ['docs/reliability', 'docs/costs', 'benchmarks/README', 'study/README', 'study/RESULTS'],
  Project: ['CONTRIBUTING', 'CHANGELOG'],
};
/** The page whose sections are found by themselves. */
const QUESTIONS = 'docs/faq';

/** @param {import('typedoc').Application} app */
export function load(app) {
  /** @type {DocumentReflection | undefined} */
  let questions;
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    if (document.name === QUESTIONS) questions = document;
    const [group = 'Guides'] =
      Object.entries(GROUPS).find(([, paths]) => paths.includes(document.name)) ?? [];
    document.frontmatter['group'] = group;
    const [first] = document.content;
    const heading = first?.kind === 'text' ? /^# (.+)/.exec(first.text) : null;
    if (heading === null) throw new Error(`${document.name}: expected a page to begin with its heading.`);
    document.name = heading[1];
  });
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    if (questions === undefined) throw new Error(`Expected ${QUESTIONS}.md to be a page.`);
    // A row of the index needs an address, and the router knows only pages.
    const { router } = /** @type {{ router: Router }} */ (/** @type {unknown} */ (app.renderer));
    const page = router.getFullUrl(questions);
    for (const section of sectionsOf(questions)) {
      router.fullUrls.set(section, `${page}#${anchorOf(section.name)}`);
      event.searchResults.push(section);
    }
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

/**
 * What is used of typedoc's router, whose addresses are protected.
 *
 * @typedef {{ fullUrls: Map<unknown, string>, getFullUrl(page: unknown): string }} Router
 */

/** @param {DocumentReflection} page */
function sectionsOf(page) {
  const text = page.content.map((part) => part.text).join('');
  return [...text.matchAll(/^### (.+)\n([^]*?)(?=^##)/gm)].map(
    ([, heading = '', body = '']) =>
      new DocumentReflection(heading, page, [{ kind: 'text', text: body }], { ...page.frontmatter }),
  );
}

/**
 * The anchor of a heading, as typedoc and GitHub make it.
 *
 * @param {string} heading
 */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

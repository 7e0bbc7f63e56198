// A plugin of typedoc: names each page by its heading, puts it into a group of the sidebar, and links the live page, which
// `npm run docs` builds beside the pages. The search finds each question and each error by its heading.
import { Converter, DocumentReflection, IndexEvent, JSX, PageEvent } from 'typedoc';

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
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = accessible(page.contents ?? '');
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
 * A page with what its theme lacks for screen readers: a main part, no link in a button, and no level of headings skipped.
 *
 * @param {string} html
 */
function accessible(html) {
  const [first = '', ...rest] = html
    .replace('<div class="col-content">', '<div class="col-content" role="main">')
    .replace('<div class="page-menu">', '<div class="page-menu" role="navigation" aria-label="This page">')
    .replace(/<summary[^]*?<\/summary>/g, (summary) =>
      summary.replace(/<a [^>]*class="tsd-anchor-icon"[^]*?<\/a>/g, ''),
    )
    .replaceAll('<h5 class="tsd-index-heading', '<h5 aria-level="2" class="tsd-index-heading')
    .split(/(?=<section class="tsd-panel-group)/);
  // These are right below the page's title.
  return [first.replace(/<h4(?=[ >])/g, '<h4 aria-level="2"'), ...rest].join('');
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

// A script of the documentation site: what its theme lacks for keyboards and screen readers.
/* global document */

/** A link within the button that opens a group can't be reached by all: it becomes the first entry of the group. */
function moveLinksOutOfSummaries() {
  for (const link of document.querySelectorAll('.tsd-navigation summary > a')) {
    const name = document.createElement('span');
    name.append(...link.childNodes);
    link.replaceWith(name);
    link.textContent = 'Overview';
    const entry = document.createElement('li');
    entry.append(link);
    name.closest('details')?.querySelector('ul')?.prepend(entry);
  }
}

/** A keyboard scrolls what can be focused. */
function makeScrollableFocusable() {
  for (const table of document.querySelectorAll('.tsd-typography table')) {
    if (table.scrollWidth > table.clientWidth) table.setAttribute('tabindex', '0');
    else table.removeAttribute('tabindex');
  }
}

const navigation = document.querySelector('#tsd-nav-container');
if (navigation !== null) {
  // Typedoc fills it later.
  new MutationObserver(moveLinksOutOfSummaries).observe(navigation, { childList: true, subtree: true });
  moveLinksOutOfSummaries();
}
new ResizeObserver(makeScrollableFocusable).observe(document.body);

import type { Page } from 'playwright-core';

declare global {
  /** What has had the focus since `unreachableByTab` began. */
  var focused: Set<EventTarget | null> | undefined;
}

const OPERABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

/** Presses Tab through the whole page. @returns what is shown and can be operated, but never had the focus. */
export async function unreachableByTab(page: Page): Promise<string[]> {
  const count = await page.evaluate((operable) => {
    const focused = new Set<EventTarget | null>();
    globalThis.focused = focused;
    document.addEventListener('focusin', ({ target }) => focused.add(target));
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    return document.querySelectorAll(operable).length;
  }, OPERABLE);
  // Twice, as the first Tab starts wherever the focus was last.
  for (let i = 0; i < 2 * count + 4; i++) await page.keyboard.press('Tab');
  return page.evaluate(
    (operable) =>
      [...document.querySelectorAll(operable)]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches(':disabled'))
        .filter((one) => !globalThis.focused!.has(one))
        .map((one) => one.outerHTML.slice(0, 120)),
    OPERABLE,
  );
}

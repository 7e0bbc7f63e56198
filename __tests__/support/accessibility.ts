import axe from 'axe-core';
import type { Page } from 'playwright-core';

declare global {
  /** Of a page that `auditAccessibility` has put it into. */
  var axe: { readonly run: () => Promise<axe.AxeResults> };
}

/** What axe-core has to say of a page. */
export interface AccessibilityAudit {
  /** Rules that are broken, each with the elements that break it. */
  readonly violations: string[];
  /** Names of the rules that are held. */
  readonly passed: string[];
}

export async function auditAccessibility(page: Page): Promise<AccessibilityAudit> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  return {
    violations: violations.map(({ id, nodes }) =>
      [id, ...nodes.map(({ html, failureSummary = '' }) => `${html}: ${failureSummary}`)].join('\n'),
    ),
    passed: passes.map(({ id }) => id),
  };
}

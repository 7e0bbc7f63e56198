import axe from 'axe-core';
import type { Page } from 'playwright-core';

declare global {
  /** Exists in a page once `auditAccessibility` has run there. */
  var axe: { readonly run: () => Promise<axe.AxeResults> };
}

/** What axe-core reports about a page. */
export interface AccessibilityAudit {
  /** The rules that the page breaks, each with the elements that break it. */
  readonly violations: string[];
  /** The names of the rules that the page meets. */
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

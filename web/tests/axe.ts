// What axe finds wrong on a page.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Returns the violations of WCAG 2.2 AA and of good practice, each with its elements. `within`: a selector of what is judged;
 * `serious`: leaves out what axe calls less.
 */
export async function violationsOf(page: Page, { within = "", serious = false } = {}): Promise<string[]> {
  // No page has frames of others, and nobody reads what is right: axe takes a third of its time so.
  const axe = new AxeBuilder({ page })
    .options({ resultTypes: ["violations"] })
    .setLegacyMode()
    .withTags(RULES);
  const { violations } = await (within ? axe.include(within) : axe).analyze();
  return violations
    .filter(({ impact }) => !serious || impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`);
}

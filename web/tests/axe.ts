// What axe finds wrong on a page.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Returns the violations of WCAG 2.2 AA and of good practice, each with its elements. `within`: a selector of what is judged;
 * `serious`: only those of impact serious or critical.
 */
export async function violationsOf(page: Page, { within = "", serious = false } = {}): Promise<string[]> {
  // Legacy mode leaves out frames of other origins: the pages judged here have none. Only violations are described. Together, axe
  // takes a third of the time.
  const axe = new AxeBuilder({ page })
    .options({ resultTypes: ["violations"] })
    .setLegacyMode()
    .withTags(TAGS);
  const { violations } = await (within ? axe.include(within) : axe).analyze();
  return violations
    .filter(({ impact }) => !serious || impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`);
}

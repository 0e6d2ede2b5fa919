import { storedText, storeText } from "../../stored";

const NAMES = { claim: "loadmaster.claim", invitation: "loadmaster.invitation" } as const;

/** What was kept while the page was loaded again. */
function taken(name: string): string {
  const text = storedText("sessionStorage", name) ?? "";
  storeText("sessionStorage", name, null);
  return text;
}

/**
 * The claim that was opened or entered, and the invitation that was opened, before signing in. They are kept in memory alone, until
 * somebody signs out.
 */
export const kept = { claim: taken(NAMES.claim), invitation: taken(NAMES.invitation) };

/** Keeps them while the page is loaded again, in another language, in this tab alone. */
export function keepOverReload(): void {
  storeText("sessionStorage", NAMES.claim, kept.claim || null);
  storeText("sessionStorage", NAMES.invitation, kept.invitation || null);
}

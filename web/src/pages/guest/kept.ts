import { storedText, storeText } from "../../stored";

const NAME = "loadmaster.claim";

/** The claim that was opened or entered before signing in. It is kept in memory alone, until somebody signs out. */
export const kept = { claim: storedText("sessionStorage", NAME) ?? "" };
storeText("sessionStorage", NAME, null);

/** Keeps it while the page is loaded again, in another language, in this tab alone. */
export const keepOverReload = (): void => storeText("sessionStorage", NAME, kept.claim || null);

// The console's texts in the language that is shown. Another language is a line in `language.ts` and files like `de.ts`, `de-admin.ts`.
import { storedText } from "../stored";
import { commonTexts } from "./language";

type Tree = { readonly [name: string]: string | ((...values: never[]) => string) | Tree };

/** Whether this browser shows the pseudo-language, in which a test finds texts that are not here, and too narrow places. */
const wantsPseudo = (): boolean => storedText("localStorage", "loadmaster.words") === "pseudo";

const ACCENTS: Record<string, string> = {
  a: "á",
  e: "é",
  i: "í",
  o: "ó",
  u: "ú",
  A: "Á",
  E: "É",
  I: "Í",
  O: "Ó",
  U: "Ú",
};

/** A third longer, in brackets, with accents, and still readable. */
export function pseudo(text: string): string {
  const accented = text.replace(/[aeiouAEIOU]/g, (letter) => ACCENTS[letter] ?? letter);
  return `⟦${accented}${"~".repeat(Math.ceil(text.length / 3))}⟧`;
}

function translated<T extends Tree>(words: T): T {
  const entries = Object.entries(words).map(([name, word]) => {
    if (typeof word === "string") return [name, pseudo(word)];
    if (typeof word === "function") return [name, (...values: never[]) => pseudo(word(...values))];
    return [name, translated(word)];
  });
  return Object.fromEntries(entries) as T;
}

/** Texts as this browser shows them. */
export const shown = <T extends Tree>(texts: T): T => (wantsPseudo() ? translated(texts) : texts);

export const words = shown(commonTexts);

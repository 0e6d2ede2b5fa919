// The language of the console: the one chosen in this browser, else the browser's, else English.
import { storedText, storeText } from "../stored";

const NAME = "loadmaster.language";

/** Each language with its own name and its catalogues, of which only those of the language that is shown are loaded. */
export const LANGUAGES = {
  en: {
    name: "English",
    common: async () => (await import("./en")).en,
    admin: async () => (await import("./en-admin")).enAdmin,
  },
  de: {
    name: "Deutsch",
    common: async () => (await import("./de")).de,
    admin: async () => (await import("./de-admin")).deAdmin,
  },
};

export type Language = keyof typeof LANGUAGES;

export const isLanguage = (text: string): text is Language => Object.hasOwn(LANGUAGES, text);
const baseOf = (tag: string): string => tag.toLowerCase().split("-")[0] ?? "";

/** The language to show: the chosen one, else the first of the browser's that has a catalogue, else English. */
export const languageOf = (chosen: string | null, preferred: readonly string[]): Language =>
  [chosen ?? "", ...preferred.map(baseOf)].find(isLanguage) ?? "en";

/** The tag for `Intl`: the browser's own form of the language (`de-CH`), else the language itself. */
export const localeOf = (shown: Language, preferred: readonly string[]): string =>
  preferred.find((tag) => baseOf(tag) === shown) ?? shown;

// Without a page there is no reader: the shell is written, and unit tests run, in English.
const preferred = typeof document === "undefined" ? [] : navigator.languages;

export const language: Language = languageOf(storedText("localStorage", NAME), preferred);
export const locale: string = localeOf(language, preferred);

/** Loads the texts that every page has. */
export const commonTexts = LANGUAGES[language].common;

/** Loads the texts of administrators. */
export const adminTexts = LANGUAGES[language].admin;

/** Keeps the language for this browser and loads the page of the same address in it, unless the browser keeps nothing. */
export function setLanguage(chosen: Language): void {
  storeText("localStorage", NAME, chosen);
  if (storedText("localStorage", NAME) === chosen) window.location.reload();
}

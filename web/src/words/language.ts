// The language of the console: that of the account, else the one chosen in this browser, else the browser's, else English.
import { storedText, storeText } from "../stored";
import { loadPatiently, sayNotLoaded } from "./catalogue";
import type { Words } from "./en";

/** Chosen in this browser, at the foot of the page. */
const CHOSEN = "loadmaster.language";
/** Chosen at the account of who is signed in, so that it is known before the account is; removed when they sign out. */
const OF_ACCOUNT = "loadmaster.account-language";

/** Each language with its own name and its catalogues, of which only those of the language that is shown are loaded. */
export const LANGUAGES = {
  en: {
    name: "English",
    common: async (): Promise<Words> => (await import("./en")).en,
    admin: async () => (await import("./en-admin")).enAdmin,
    consolidations: async () => (await import("./en-consolidations")).enConsolidations,
    freight: async () => (await import("./en-freight")).enFreight,
  },
  de: {
    name: "Deutsch",
    common: async (): Promise<Words> => (await import("./de")).de,
    admin: async () => (await import("./de-admin")).deAdmin,
    consolidations: async () => (await import("./de-consolidations")).deConsolidations,
    freight: async () => (await import("./de-freight")).deFreight,
  },
};

export type Language = keyof typeof LANGUAGES;

export const isLanguage = (text: string): text is Language => Object.hasOwn(LANGUAGES, text);
const baseOf = (tag: string): string => tag.toLowerCase().split("-")[0] ?? "";

/** The language to show: the first of those chosen, else of the browser's, that has a catalogue, else English. */
export const languageOf = (chosen: readonly (string | null)[], preferred: readonly string[]): Language =>
  [...chosen.map((choice) => choice ?? ""), ...preferred.map(baseOf)].find(isLanguage) ?? "en";

/** The tag for `Intl`: the browser's own form of the language (`de-CH`), else the language itself. */
export const localeOf = (shown: Language, preferred: readonly string[]): string =>
  preferred.find((tag) => baseOf(tag) === shown) ?? shown;

// Without a page there is no reader: the shell is written, and unit tests run, in English.
const preferred = typeof document === "undefined" ? [] : navigator.languages;

/** The language of the next page that is loaded. */
export const nextLanguage = (): Language =>
  languageOf([storedText("localStorage", OF_ACCOUNT), storedText("localStorage", CHOSEN)], preferred);

const wanted = nextLanguage();

/** The texts of the language that is wanted; of another one, if they cannot be loaded. Without any nothing else begins. */
async function loadTexts(): Promise<{ language: Language; commonTexts: Words }> {
  const texts = await loadPatiently(LANGUAGES[wanted].common);
  if (texts) return { language: wanted, commonTexts: texts };
  for (const other of Object.keys(LANGUAGES).filter(isLanguage)) {
    const found = other === wanted ? null : await LANGUAGES[other].common().catch(() => null);
    if (found) return { language: other, commonTexts: found };
  }
  sayNotLoaded(wanted);
  return new Promise(() => undefined);
}

// Whatever imports this waits for the catalogue, which is a file of its own.
export const { language, commonTexts } = await loadTexts();
export const locale: string = localeOf(language, preferred);

/** Loads the texts of administrators. */
export const adminTexts = LANGUAGES[language].admin;
/** Loads the texts of consolidations. */
export const consolidationTexts = LANGUAGES[language].consolidations;
/** Loads the texts of the dimensions of freight. */
export const freightTexts = LANGUAGES[language].freight;

/** Whether the next page has another language than this one was loaded for. A browser that keeps nothing has the same. */
export const isOtherNext = (): boolean => nextLanguage() !== wanted;

/** Keeps the language of an account, for the pages that are loaded from now on. */
export const keepAccountLanguage = (chosen: string | null): void =>
  storeText("localStorage", OF_ACCOUNT, chosen !== null && isLanguage(chosen) ? chosen : null);

/** Keeps the language for this browser and loads the page of the same address in it, unless the browser keeps nothing. */
export function setLanguage(chosen: Language): void {
  storeText("localStorage", CHOSEN, chosen);
  if (storedText("localStorage", CHOSEN) === chosen) window.location.reload();
}

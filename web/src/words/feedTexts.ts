// The texts of feeds in the language that is shown. Nothing of them is in the first load, not even where they are.
import { language, type Language } from "./language";

const TEXTS = {
  en: async () => (await import("./en-feeds")).enFeeds,
  de: async () => (await import("./de-feeds")).deFeeds,
} satisfies Record<Language, () => Promise<unknown>>;

/** Loads the texts of feeds: before a module that has them, since one whose evaluation failed for want of them is never evaluated again. */
export const feedTexts = TEXTS[language];

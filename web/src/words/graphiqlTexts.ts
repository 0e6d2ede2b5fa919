// Loads the texts of the page of GraphiQL, in a file that only this page loads.
import type { GraphiqlWords } from "./en-graphiql";
import { language, type Language } from "./language";

const TEXTS: Record<Language, () => Promise<GraphiqlWords>> = {
  en: async () => (await import("./en-graphiql")).enGraphiql,
  de: async () => (await import("./de-graphiql")).deGraphiql,
};

export const graphiqlTexts = TEXTS[language];

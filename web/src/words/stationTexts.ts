// Loads the texts of stations, in a file that only their pages load: the first load names neither them nor the pages.
import type { StationWords } from "./en-stations";
import { language, type Language } from "./language";

const TEXTS: Record<Language, () => Promise<StationWords>> = {
  en: async () => (await import("./en-stations")).enStations,
  de: async () => (await import("./de-stations")).deStations,
};

export const stationTexts = TEXTS[language];

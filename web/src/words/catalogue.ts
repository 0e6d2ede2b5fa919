// Loads the file of a catalogue, without which nothing can be shown.

/** Between two attempts. */
const PAUSES_MS = [500, 1500, 4000];

/** The address of the file that could not be loaded, without its query, where the browser names it. */
export const failedAddress = (error: unknown): string | null => /https?:\/\/[^\s?]+/.exec(String(error))?.[0] ?? null;

/** Loads the only export of a file. */
async function importAgain<T>(address: string): Promise<T> {
  return Object.values((await import(/* @vite-ignore */ address)) as Record<string, T>)[0] as T;
}

/**
 * Loads, and after a failure again, after longer and longer pauses; returns nothing if all of that fails. A browser may remember for as
 * long as the page lives that a file failed: another attempt has another query.
 */
export async function loadPatiently<T>(
  load: () => Promise<T>,
  again: (address: string) => Promise<T> = importAgain,
  pauses: readonly number[] = PAUSES_MS,
): Promise<T | null> {
  let attempt = load;
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const pause = pauses[failures];
      if (pause === undefined) return null;
      await new Promise((resolve) => setTimeout(resolve, pause));
      const address = failedAddress(error);
      if (address) attempt = () => again(`${address}?attempt=${failures + 1}`);
    }
  }
}

const NOT_LOADED = {
  en: ["The texts of this page could not be loaded.", "Load again"],
  de: ["Die Texte dieser Seite konnten nicht geladen werden.", "Neu laden"],
};

/** Says without any catalogue that there is none, in every language, the reader's first. */
export function sayNotLoaded(language: keyof typeof NOT_LOADED): void {
  const said = document.createElement("div");
  said.setAttribute("role", "alert");
  for (const tag of [language, ...(["en", "de"] as const).filter((other) => other !== language)]) {
    const line = document.createElement("p");
    line.lang = tag;
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => window.location.reload());
    const [text = "", label = ""] = NOT_LOADED[tag];
    button.append(label);
    line.append(text, " ", button);
    said.append(line);
  }
  document.body.prepend(said);
}

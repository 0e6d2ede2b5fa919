// What the browser keeps for this origin: for a tab (`sessionStorage`) or for all (`localStorage`).

type Place = "sessionStorage" | "localStorage";

/** Returns the text that is kept under a name; nothing if there is none or it cannot be read. */
export function storedText(place: Place, name: string): string | null {
  try {
    return globalThis[place].getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a text under a name, or removes it. Storage may be switched off: the text then lasts as long as the page. */
export function storeText(place: Place, name: string, text: string | null): void {
  try {
    if (text === null) globalThis[place].removeItem(name);
    else globalThis[place].setItem(name, text);
  } catch {
    // Nothing is kept.
  }
}

/** Returns the value that is kept under a name; nothing if there is none or it cannot be read. */
export function stored<T>(place: Place, name: string): T | null {
  try {
    return JSON.parse(storedText(place, name) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Keeps a value under a name, or removes it (`null`). */
export const store = (place: Place, name: string, value: unknown): void =>
  storeText(place, name, value === null ? null : JSON.stringify(value));

// What the browser keeps for this origin: for a tab (`sessionStorage`) or for all (`localStorage`).

type Place = "sessionStorage" | "localStorage";

/** Returns what is kept under a name; nothing if it cannot be read. */
export function stored<T>(place: Place, name: string): T | null {
  try {
    return JSON.parse(globalThis[place].getItem(name) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Keeps a value under a name, or removes it. Storage may be switched off: the value then lasts as long as the page. */
export function store(place: Place, name: string, value: unknown): void {
  try {
    if (value === null) globalThis[place].removeItem(name);
    else globalThis[place].setItem(name, JSON.stringify(value));
  } catch {
    // Nothing is kept.
  }
}

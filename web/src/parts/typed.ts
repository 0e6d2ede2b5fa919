// What is typed for a hold and not sent yet: it outlives a reload, in its tab alone, and is given to who typed it alone.
const NAME = "loadmaster.typed";

export type Typed = Record<string, unknown>;

interface Kept {
  hold: string;
  /** The id of the user who typed it; nothing of a guest. */
  person: string | null;
  typed: Typed;
}

export function keepTyped(hold: string, person: string | null, typed: Typed): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ hold, person, typed } satisfies Kept));
  } catch {
    // Storage may be switched off: it then lasts as long as the page.
  }
}

/** Returns what this person typed for this hold. */
export function typedFor(hold: string, person: string | null): Typed | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME) ?? "null") as Kept | null;
    return kept?.hold === hold && kept.person === person ? kept.typed : null;
  } catch {
    return null;
  }
}

export function forgetTyped(): void {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was kept.
  }
}

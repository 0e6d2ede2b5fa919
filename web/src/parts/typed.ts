// What is typed for a hold and not sent yet: it outlives a reload, in its tab alone.
const NAME = "loadmaster.typed";

export type Typed = Record<string, unknown>;

interface Kept {
  hold: string;
  typed: Typed;
}

export function keepTyped(hold: string, typed: Typed): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ hold, typed } satisfies Kept));
  } catch {
    // Storage may be switched off: it then lasts as long as the page.
  }
}

/** Returns what was typed for this hold. */
export function typedFor(hold: string): Typed | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME) ?? "null") as Kept | null;
    return kept?.hold === hold ? kept.typed : null;
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

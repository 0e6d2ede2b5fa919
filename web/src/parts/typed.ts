// What is typed for a hold and not sent yet: it outlives a reload, in its tab alone, and is given to who typed it alone.
import { store, stored } from "../stored";

const NAME = "loadmaster.typed";

export type Typed = Record<string, unknown>;

interface Kept {
  hold: string;
  /** The id of the user who typed it; nothing of a guest. */
  person: string | null;
  typed: Typed;
}

export function keepTyped(hold: string, person: string | null, typed: Typed): void {
  store("sessionStorage", NAME, { hold, person, typed } satisfies Kept);
}

/** Returns what this person typed for this hold. */
export function typedFor(hold: string, person: string | null): Typed | null {
  const kept = stored<Kept>("sessionStorage", NAME);
  return kept?.hold === hold && kept.person === person ? kept.typed : null;
}

export function forgetTyped(): void {
  store("sessionStorage", NAME, null);
}

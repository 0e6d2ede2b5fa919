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

/** More forms than this are hardly filled in at once: what was typed first is forgotten. */
const MOST = 5;

function all(): Kept[] {
  const kept = stored<Kept[]>("sessionStorage", NAME);
  return Array.isArray(kept) ? kept : [];
}

const others = (hold: string): Kept[] => all().filter((it) => it.hold !== hold);

export function keepTyped(hold: string, person: string | null, typed: Typed): void {
  store("sessionStorage", NAME, [{ hold, person, typed }, ...others(hold)].slice(0, MOST));
}

/** Returns what this person typed for this hold, also as a guest before signing in. */
export function typedFor(hold: string, person: string | null): Typed | null {
  const kept = all().find((it) => it.hold === hold);
  return kept && (kept.person === person || kept.person === null) ? kept.typed : null;
}

/** Forgets what was typed for a hold, or all of it. */
export function forgetTyped(hold?: string): void {
  store("sessionStorage", NAME, hold === undefined ? null : others(hold));
}

// What pages leave in the entries of the browser's history, so that Back shows them as they were: their lists, and how far they
// were scrolled.

interface Visit {
  top: number;
  /** What lists showed, by their names. */
  lists: Map<string, unknown>;
}

/** What the browser keeps of an entry, also over a reload. */
interface State {
  visit: number;
  top?: number;
}

/** Writes what is shown into the visit that is left. */
type Keeper = (lists: Map<string, unknown>) => void;

/** Content that comes later than this is not waited for. */
const PATIENCE_MS = 5000;

/** Entries that are kept: what lists showed takes memory. */
const MOST = 50;

class Visits {
  #all = new Map<number, Visit>();
  // Entries of an earlier load have other numbers.
  #next = Date.now();
  #now = this.#next;
  #keepers = new Set<Keeper>();
  /** How far the page was scrolled that is returned to. */
  top: number | null = null;

  get state(): State {
    return { visit: this.#now };
  }

  /** Another entry of the history begins. */
  begin(): void {
    this.#now = this.#next += 1;
    this.top = null;
  }

  /** The page of this entry gives way to another one. */
  forget(): void {
    this.#all.delete(this.#now);
    this.top = null;
  }

  /** Somebody else is signed in: what was shown to the one before is not theirs. */
  clear(): void {
    this.#all.clear();
    this.top = null;
  }

  /** Keeps what is shown; a page that is not there yet has nothing to keep. */
  leave(isShown: boolean): void {
    if (!isShown) return;
    const lists = new Map<string, unknown>();
    for (const keep of this.#keepers) keep(lists);
    this.#all.delete(this.#now);
    this.#all.set(this.#now, { top: window.scrollY, lists });
    for (const oldest of this.#all.keys()) if (this.#all.size > MOST) this.#all.delete(oldest);
  }

  /** The entry that the browser shows now: one that was left, or a new one. */
  resume(): void {
    const state = window.history.state as State | null;
    if (typeof state?.visit === "number") this.#now = state.visit;
    else {
      this.begin();
      window.history.replaceState(this.state, "");
    }
    this.top = this.#all.get(this.#now)?.top ?? state?.top ?? null;
  }

  /** Returns what a list showed when this entry was left. */
  recall(list: string): unknown {
    return this.#all.get(this.#now)?.lists.get(list);
  }

  /** Asks `keep` whenever an entry is left; returns how to end that. */
  keep(keep: Keeper): () => void {
    this.#keepers.add(keep);
    return () => this.#keepers.delete(keep);
  }
}

export const visits = new Visits();

/** Scrolls to where the page was left, as soon as what it shows reaches there, unless its reader scrolls first. */
export function scrollBack(): void {
  const { top } = visits;
  visits.top = null;
  if (top === null) return;
  const acts = ["wheel", "touchstart", "keydown", "pointerdown"] as const;
  const end = () => {
    grown.disconnect();
    clearTimeout(timer);
    for (const act of acts) window.removeEventListener(act, end);
  };
  const reach = () => {
    if (document.documentElement.scrollHeight - window.innerHeight < top) return;
    end();
    window.scrollTo(0, top);
  };
  const grown = new ResizeObserver(reach);
  const timer = setTimeout(end, PATIENCE_MS);
  for (const act of acts) window.addEventListener(act, end, { passive: true });
  grown.observe(document.body);
}

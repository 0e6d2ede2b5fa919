// What was found for a text: asked once, and known for a while.

/** Names of places seldom change. */
const KEPT_MS = 5 * 60_000;
/** Most texts that are kept; the oldest goes first. */
const MOST = 200;

interface Options {
  /** Milliseconds for which an answer is known. */
  keptMs?: number;
  /** Somebody types the text: where nothing is found for its beginning, nothing is found for the rest. */
  isTyped?: boolean;
  now?: () => number;
}

interface Kept<T> {
  found: Promise<T[] | null>;
  at: number;
  isEmpty: boolean;
}

export class Lookup<T> {
  #kept = new Map<string, Kept<T>>();

  readonly #options: Required<Options>;

  /** Nothing read: it could not be asked. */
  constructor(
    private readonly read: (text: string) => Promise<T[] | null>,
    options: Options = {},
  ) {
    this.#options = { keptMs: KEPT_MS, isTyped: false, now: () => performance.now(), ...options };
  }

  find(text: string): Promise<T[] | null> {
    const key = this.#options.isTyped ? text.trim().toLowerCase() : text;
    const known = this.#of(key);
    if (known) return known.found;
    for (let end = key.length - 1; this.#options.isTyped && end > 0; end -= 1)
      if (this.#of(key.slice(0, end))?.isEmpty) return Promise.resolve([]);
    return this.#ask(key);
  }

  #of(key: string): Kept<T> | null {
    const kept = this.#kept.get(key);
    return kept && this.#options.now() - kept.at < this.#options.keptMs ? kept : null;
  }

  async #ask(key: string): Promise<T[] | null> {
    const kept: Kept<T> = { found: this.read(key), at: this.#options.now(), isEmpty: false };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MOST && !oldest.done) this.#kept.delete(oldest.value);
    try {
      const found = await kept.found;
      kept.isEmpty = found?.length === 0;
      if (!found) this.#kept.delete(key);
      return found;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}

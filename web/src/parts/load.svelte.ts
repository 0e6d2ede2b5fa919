// Reads something for a page: loading, failed, there; and again when the server is back.
import { untrack } from "svelte";
import { connection } from "../api/connection.svelte";
import { asProblem, type Problem } from "../api/problem";

/** A page says that it loads only after this time: what comes sooner does not flicker. */
export const PATIENCE_MS = 200;

export class Loaded<T> {
  value = $state<T | null>(null);
  problem = $state<Problem | null>(null);
  /** It takes longer than a moment. */
  isSlow = $state(false);
  isBusy = $state(false);
  #turn = 0;
  #isEnded = false;

  constructor(private readonly read: () => Promise<T>) {}

  /** Reads again; what is shown stays until the answer is there. */
  async load(): Promise<void> {
    if (this.#isEnded) return;
    const turn = ++this.#turn;
    this.isBusy = true;
    const timer = setTimeout(() => {
      if (turn === this.#turn) this.isSlow = true;
    }, PATIENCE_MS);
    try {
      const value = await this.read();
      if (turn !== this.#turn) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    } finally {
      clearTimeout(timer);
      if (turn === this.#turn) {
        this.isSlow = false;
        this.isBusy = false;
      }
    }
  }

  /** Nobody is shown it any more: what it depends on is gone. */
  end(): void {
    this.#turn += 1;
    this.#isEnded = true;
  }

  /** Forgets what was read, as another thing is asked for. */
  clear(): void {
    this.#turn += 1;
    this.value = null;
    this.problem = null;
    this.isSlow = false;
    this.isBusy = false;
  }
}

/** Reads while the component is shown: at once, whenever `depends` changes, and when the server is back. */
export function loaded<T>(read: () => Promise<T>, depends: () => unknown = () => null): Loaded<T> {
  const it = new Loaded(read);
  let before: string | undefined;
  // An address that changed elsewhere, or an equal object, is no reason to ask again.
  const wanted = $derived(JSON.stringify(depends()) ?? "");
  $effect(() => {
    const now = wanted;
    void connection.returns;
    if (before !== undefined && before !== now) it.clear();
    before = now;
    // What is read while it asks is no reason to ask again.
    untrack(() => void it.load());
  });
  $effect(() => () => it.end());
  return it;
}

// A list of the API that is read page by page.
import { untrack } from "svelte";
import { asProblem, type Problem } from "../api/problem";
import type { Answer } from "../api/client";
import { connection } from "../api/connection.svelte";
import { PATIENCE_MS } from "./load.svelte";

/** A page can have no entries although there are more: when a text is looked for. No more such pages are read by themselves. */
const MOST_EMPTY = 300;

export class List<T> {
  rows = $state<T[]>([]);
  problem = $state<Problem | null>(null);
  isBusy = $state(false);
  /** It takes longer than a moment. */
  isSlow = $state(false);
  isRead = $state(false);
  #next = $state<string | null>(null);
  #pages = 1;
  #turn = 0;

  constructor(private readonly page: (cursor: string | undefined) => Promise<Answer<T[]>>) {}

  get isMore(): boolean {
    return this.#next !== null;
  }

  /** Reads again as many pages as are shown; their rows stay until these are there. */
  async load(): Promise<void> {
    await this.#read(undefined, this.#pages, []);
  }

  async more(): Promise<void> {
    if (this.#next && !this.isBusy) await this.#read(this.#next, 1, this.rows);
  }

  clear(): void {
    this.#turn += 1;
    this.rows = [];
    this.isRead = false;
    this.#next = null;
    this.#pages = 1;
    this.problem = null;
  }

  /** Reads some pages from a cursor on, and shows them behind the rows before. */
  async #read(from: string | undefined, pages: number, before: readonly T[]): Promise<void> {
    const turn = ++this.#turn;
    this.isBusy = true;
    const timer = setTimeout(() => {
      if (turn === this.#turn) this.isSlow = true;
    }, PATIENCE_MS);
    try {
      const rows = [...before];
      let cursor: string | null | undefined = from;
      let read = 0;
      do {
        const answer: Answer<T[]> = await this.page(cursor);
        if (turn !== this.#turn) return;
        rows.push(...answer.data);
        cursor = answer.next;
        read += 1;
      } while (cursor && (read < pages || (rows.length === before.length && read < MOST_EMPTY)));
      this.#pages = from ? this.#pages + read : read;
      this.rows = rows;
      this.#next = cursor ?? null;
      this.problem = null;
      this.isRead = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    } finally {
      clearTimeout(timer);
      if (turn === this.#turn) this.isBusy = this.isSlow = false;
    }
  }
}

/** Reads a list while its component is shown: at once, whenever `depends` changes, and when the server is back. */
export function listed<T>(
  page: (cursor: string | undefined) => Promise<Answer<T[]>>,
  depends: () => unknown = () => null,
): List<T> {
  const list = new List(page);
  let before: string | undefined;
  $effect(() => {
    const now = JSON.stringify(depends());
    void connection.returns;
    if (before !== undefined && before !== now) list.clear();
    before = now;
    // What is read while it asks is no reason to ask again.
    untrack(() => void list.load());
  });
  return list;
}

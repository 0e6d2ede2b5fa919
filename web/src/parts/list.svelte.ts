// A list of the API that is read page by page.
import { untrack } from "svelte";
import { asProblem, type Problem } from "../api/problem";
import type { Answer } from "../api/client";
import { connection } from "../api/connection.svelte";
import { session } from "../api/session.svelte";
import { visits } from "../visits";
import { PATIENCE_MS } from "./load.svelte";
import { totalOf, type Total } from "./sort";
import { choices } from "./theme.svelte";

/** A page can have no entries although there are more: when a text is looked for. No more such pages are read by themselves. */
const MOST_EMPTY = 300;

export interface Shown<T> {
  rows: T[];
  /** The cursor of the next page. */
  next: string | null;
  pages: number;
  total: Total | null;
}

export class List<T> {
  rows = $state<T[]>([]);
  problem = $state<Problem | null>(null);
  isBusy = $state(false);
  /** It takes longer than a moment. */
  isSlow = $state(false);
  isRead = $state(false);
  /** The number of entries on all pages, if the server counts them. */
  total = $state.raw<Total | null>(null);
  #next = $state<string | null>(null);
  #pages = 1;
  #turn = 0;
  #isEnded = false;
  /** What is shown is not what was asked for last. */
  #isOutdated = false;

  constructor(private readonly page: (cursor: string | undefined) => Promise<Answer<T[]>>) {}

  get isMore(): boolean {
    return this.#next !== null;
  }

  /** What is shown, to be shown again at once when somebody comes back. */
  get shown(): Shown<T> | null {
    return this.isRead && !this.#isOutdated
      ? { rows: this.rows, next: this.#next, pages: this.#pages, total: this.total }
      : null;
  }

  show(before: Shown<T>): void {
    this.rows = before.rows;
    this.#next = before.next;
    this.#pages = before.pages;
    this.total = before.total;
    this.isRead = true;
    this.#isOutdated = false;
  }

  /** Reads again as many pages as are shown; their rows stay until these are there. */
  async load(): Promise<void> {
    await this.#read(undefined, this.#pages, []);
  }

  async more(): Promise<void> {
    if (this.#next && !this.isBusy) await this.#read(this.#next, 1, this.rows);
  }

  /** Begins anew with one page; the rows stay until it is there, and nothing is read behind them. */
  restart(): void {
    this.#turn += 1;
    this.#next = null;
    this.#pages = 1;
    this.#isOutdated = true;
  }

  clear(): void {
    this.#turn += 1;
    this.rows = [];
    this.isRead = false;
    this.#next = null;
    this.#pages = 1;
    this.total = null;
    this.problem = null;
  }

  /** Nobody is shown it any more: what its pages depend on is gone. */
  end(): void {
    this.#turn += 1;
    this.#isEnded = true;
  }

  /** Reads some pages from a cursor on, and shows them behind the rows before. */
  async #read(from: string | undefined, pages: number, before: readonly T[]): Promise<void> {
    if (this.#isEnded) return;
    const turn = ++this.#turn;
    this.isBusy = true;
    const timer = setTimeout(() => {
      if (turn === this.#turn) this.isSlow = true;
    }, PATIENCE_MS);
    try {
      const rows = [...before];
      let cursor: string | null | undefined = from;
      let read = 0;
      let total = from ? this.total : null;
      do {
        const answer: Answer<T[]> = await this.page(cursor);
        // It is over, or asked anew.
        if (turn !== this.#turn) return;
        rows.push(...answer.data);
        // It comes with the first page.
        total ??= totalOf(answer.response.headers.get("Total-Count"));
        cursor = answer.next;
        read += 1;
      } while (cursor && (read < pages || (rows.length === before.length && read < MOST_EMPTY)));
      this.#pages = from ? this.#pages + read : read;
      this.rows = rows;
      this.total = total;
      this.#next = cursor ?? null;
      this.problem = null;
      this.isRead = true;
      this.#isOutdated = false;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    } finally {
      clearTimeout(timer);
      if (turn === this.#turn) this.isBusy = this.isSlow = false;
    }
  }
}

/** The part of a question that names a page of a list, as long as this browser's pages are. */
export const pageOf = (cursor: string | undefined): { cursor?: string; limit: number } => ({
  limit: choices.pageSize,
  ...(cursor ? { cursor } : {}),
});

/** The same, for a list whose entries the server counts with the first page. */
export const countedPageOf = (cursor: string | undefined): ReturnType<typeof pageOf> & { count?: boolean } => ({
  ...pageOf(cursor),
  ...(cursor ? {} : { count: true }),
});

/**
 * Reads a list while its component is shown: at once, whenever `depends` changes, and when the server is back. A list that has a
 * `name` on its page is shown by Back with as many pages as it had. When another `order` is asked for, the rows stay until those in
 * that order are there: so does the heading that was clicked.
 */
export function listed<T>(
  page: (cursor: string | undefined) => Promise<Answer<T[]>>,
  depends: () => unknown = () => null,
  name?: string,
  order: () => string | undefined = () => undefined,
): List<T> {
  const list = new List(page);
  let before: string | undefined;
  let filtered: string | undefined;
  if (name)
    $effect(() =>
      visits.keep((lists) => {
        if (list.shown && before !== undefined) lists.set(`${name} ${before}`, list.shown);
      }),
    );
  $effect(() => {
    // What was shown to somebody is shown again to the same person only.
    const filters = JSON.stringify([untrack(() => session.person), choices.pageSize, depends()]);
    const now = `${filters} ${order() ?? ""}`;
    void connection.returns;
    if (before !== now) {
      if (filtered !== undefined && filtered !== filters) list.clear();
      else if (before !== undefined) list.restart();
      const shown = name ? (visits.recall(`${name} ${now}`) as Shown<T> | undefined) : undefined;
      if (shown) list.show(shown);
    }
    before = now;
    filtered = filters;
    // What is read while it asks is no reason to ask again.
    untrack(() => void list.load());
  });
  $effect(() => () => list.end());
  return list;
}

// A list of the API that is read page by page.
import { asProblem, type Problem } from "../api/problem";
import type { Answer } from "../api/client";
import { connection } from "../api/connection.svelte";

export class List<T> {
  rows = $state<T[]>([]);
  problem = $state<Problem | null>(null);
  isBusy = $state(false);
  isRead = $state(false);
  #next = $state<string | null>(null);
  #turn = 0;

  constructor(private readonly page: (cursor: string | undefined) => Promise<Answer<T[]>>) {}

  get isMore(): boolean {
    return this.#next !== null;
  }

  /** Reads the first page; the rows that are shown stay until it is there. */
  async load(): Promise<void> {
    await this.#read(undefined);
  }

  async more(): Promise<void> {
    if (this.#next && !this.isBusy) await this.#read(this.#next);
  }

  clear(): void {
    this.#turn += 1;
    this.rows = [];
    this.isRead = false;
    this.#next = null;
    this.problem = null;
  }

  async #read(cursor: string | undefined): Promise<void> {
    const turn = ++this.#turn;
    this.isBusy = true;
    try {
      const answer = await this.page(cursor);
      if (turn !== this.#turn) return;
      this.rows = cursor ? [...this.rows, ...answer.data] : answer.data;
      this.#next = answer.next;
      this.problem = null;
      this.isRead = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    } finally {
      if (turn === this.#turn) this.isBusy = false;
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
    void list.load();
  });
  return list;
}

// The special handling codes with their names, read once.
import { api, take, takeAll } from "../api/client";
import type { Schemas } from "../api/problem";

type Code = Schemas["HandlingCodeEntry"];

export const handlingCodes = (text: string): string[] => [
  ...new Set(
    text
      .toUpperCase()
      .split(/[\s,;]+/)
      .filter(Boolean),
  ),
];

class Handling {
  all = $state.raw<Code[]>([]);
  #isAsked = false;

  /** Reads the list; a server that is away is asked again at the next call. */
  async load(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    try {
      this.all = await takeAll((cursor) =>
        take(api.GET("/api/v1/handling-codes", { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } })),
      );
    } catch {
      this.#isAsked = false;
    }
  }

  name(code: string): string | null {
    return this.all.find((one) => one.code === code)?.name ?? null;
  }
}

export const handling = new Handling();

// The airlines that have a logo, read once: no other logo is asked for.
import { api, take, takeAll } from "../../api/client";

class Logos {
  #urls = $state.raw<ReadonlyMap<string, string>>(new Map());
  #isAsked = false;

  /** Reads the list; a server that is away is asked again at the next call. */
  async load(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    try {
      const all = await takeAll((cursor) =>
        take(api.GET("/api/v1/airline-logos", { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } })),
      );
      this.#urls = new Map(all.map(({ airline_code, logo_url }) => [airline_code, logo_url]));
    } catch {
      this.#isAsked = false;
    }
  }

  /** The list is another one now. */
  async again(): Promise<void> {
    this.#isAsked = false;
    await this.load();
  }

  of(airline: string): string | null {
    return this.#urls.get(airline) ?? null;
  }

  /** It could not be shown: it is gone meanwhile. */
  drop(airline: string): void {
    this.#urls = new Map([...this.#urls].filter(([code]) => code !== airline));
  }
}

export const logos = new Logos();

// Airports by code, for names and zones; each is asked for once.
import { api } from "../api/client";
import type { Schemas } from "../api/problem";

export type Airport = Schemas["Airport"];

class Airports {
  #known = $state<Record<string, Airport>>({});
  #asked = new Set<string>();

  /** Returns what is known of an airport, and asks for the rest. */
  get(code: string | null | undefined): Airport | null {
    if (!code) return null;
    const known = this.#known[code];
    if (!known && !this.#asked.has(code)) {
      this.#asked.add(code);
      queueMicrotask(() => void this.#ask(code));
    }
    return known ?? null;
  }

  learn(airports: readonly Airport[]): void {
    for (const airport of airports) {
      this.#asked.add(airport.iata_code);
      this.#known[airport.iata_code] = airport;
    }
  }

  zone(code: string | null | undefined): string {
    return this.get(code)?.time_zone ?? "UTC";
  }

  /** `Delhi`, or the code while its name is not known. */
  city(code: string): string {
    return this.get(code)?.city ?? code;
  }

  async find(code: string): Promise<Airport | null> {
    if (!this.#known[code]) await this.#ask(code);
    return this.#known[code] ?? null;
  }

  async #ask(code: string): Promise<void> {
    try {
      const { data } = await api.GET("/api/v1/airports/{code}", { params: { path: { code } } });
      if (data) this.#known[code] = data;
    } catch {
      this.#asked.delete(code);
    }
  }
}

export const airports = new Airports();

// Airports and organizations by what names them, for their words; each is asked for once.
import { api } from "../api/client";
import type { Schemas } from "../api/problem";

export type Airport = Schemas["Airport"];
export type Organization = Schemas["Organization"];

class Reference<T> {
  #known = $state<Record<string, T>>({});
  #asked = new Set<string>();
  /** Those of which nothing could be read. */
  #missed = $state<Record<string, true>>({});

  constructor(
    private readonly keyOf: (one: T) => string,
    private readonly read: (key: string) => Promise<T | undefined>,
  ) {}

  /** Returns what is known of one, and asks for the rest. */
  get(key: string | null | undefined): T | null {
    if (!key) return null;
    const known = this.#known[key];
    if (!known && !this.#asked.has(key)) {
      this.#asked.add(key);
      queueMicrotask(() => void this.#ask(key));
    }
    return known ?? null;
  }

  /** Whether it is known, or known to be missing: what is shown of it stays. */
  isSettled(key: string): boolean {
    return this.get(key) !== null || this.#missed[key] === true;
  }

  learn(all: readonly T[]): void {
    for (const one of all) {
      this.#asked.add(this.keyOf(one));
      this.#known[this.keyOf(one)] = one;
    }
  }

  async find(key: string): Promise<T | null> {
    if (!this.#known[key]) await this.#ask(key);
    return this.#known[key] ?? null;
  }

  async #ask(key: string): Promise<void> {
    try {
      const one = await this.read(key);
      if (one) this.#known[key] = one;
      else this.#missed[key] = true;
    } catch {
      this.#missed[key] = true;
      this.#asked.delete(key);
    }
  }
}

/** A city stands for its largest airport: they share country and time zone. */
async function readPlace(code: string): Promise<Airport | undefined> {
  const { data: airport } = await api.GET("/api/v1/airports/{code}", { params: { path: { code } } });
  if (airport) return airport;
  const { data: city } = await api.GET("/api/v1/cities/{code}", { params: { path: { code } } });
  const first = city?.airports[0];
  if (!city || !first) return undefined;
  const { data: largest } = await api.GET("/api/v1/airports/{code}", { params: { path: { code: first } } });
  return largest && { ...largest, iata_code: city.code, name: city.name, city: city.name };
}

class Airports extends Reference<Airport> {
  /** Whether the code is that of a city alone: only searches take it. */
  isCity(code: string): boolean {
    const known = this.get(code);
    return known !== null && known.city_code === known.iata_code && known.name === known.city;
  }

  zone(code: string | null | undefined): string {
    return this.get(code)?.time_zone ?? "UTC";
  }

  /** `Delhi`, or the code while its name is not known. */
  city(code: string): string {
    return this.get(code)?.city ?? code;
  }
}

export const airports = new Airports((airport) => airport.iata_code, readPlace);

/** For the carrier's staff: only they may read each. */
export const organizations = new Reference<Organization>(
  (organization) => organization.id,
  async (id) => (await api.GET("/api/v1/organizations/{id}", { params: { path: { id } } })).data,
);

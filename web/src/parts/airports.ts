// Airports by what somebody types of their code, city or name.
import { api } from "../api/client";
import type { Choice } from "./finder";
import { Lookup } from "./lookup";
import { airports, type Airport } from "./reference.svelte";

/** `DEL · Delhi` */
export const nameOf = (airport: Airport) => `${airport.iata_code} · ${airport.city}`;

async function read(q: string): Promise<Choice[] | null> {
  const { data } = await api.GET("/api/v1/airports/search", { params: { query: { q } } });
  if (!data) return null;
  airports.learn(data);
  return data.map((airport) => ({
    value: airport.iata_code,
    label: nameOf(airport),
    title: airport.iata_code,
    text: `${airport.city} · ${airport.name}, ${airport.country_code}`,
  }));
}

/** Of all fields for airports, and of “Find anything”. */
export const airportLookup = new Lookup(read, { isTyped: true });

// Airports by what somebody types of their code, city or name, and the cities that a search takes as well.
import { api } from "../api/client";
import type { Schemas } from "../api/problem";
import { words } from "../words";
import type { Choice } from "./finder";
import { Lookup } from "./lookup";
import { airportChoice, citiesMeant, placeChoices, placeName } from "./places";
import { airports, type Airport } from "./reference.svelte";

/** `DEL · Delhi` */
export const nameOf = (airport: Airport) => placeName(airport.iata_code, airport.city);

async function read(q: string): Promise<Schemas["FoundAirport"][] | null> {
  const { data } = await api.GET("/api/v1/airports/search", { params: { query: { q } } });
  if (!data) return null;
  airports.learn(data);
  return data;
}

const found = new Lookup(read, { isTyped: true });

/** Of all fields for airports, and of “Find anything”. */
export const airportLookup = {
  find: async (text: string): Promise<Choice[] | null> => (await found.find(text))?.map(airportChoice) ?? null,
};

/** All cities with a code of their own, a few dozen: read with the first text that means one. */
let cities: Promise<Schemas["City"][]> | null = null;

async function readCities(): Promise<Schemas["City"][]> {
  const answer = await api.GET("/api/v1/cities", { params: { query: { limit: 100 } } }).catch(() => null);
  // Without them airports are found all the same, and the next text asks again.
  if (!answer?.data) cities = null;
  return answer?.data ?? [];
}

/** Of the fields of a search, which takes cities as well. */
export const placeLookup = {
  async find(text: string): Promise<Choice[] | null> {
    const places = await found.find(text);
    if (!places) return null;
    const all = citiesMeant(text, places).length > 0 ? await (cities ??= readCities()) : [];
    return placeChoices(text, places, all, words.parts.allAirports);
  },
};

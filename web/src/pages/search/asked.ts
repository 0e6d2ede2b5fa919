// What is searched for. It lives in the address, so that a search can be shared: with figures, dates and codes in the same form
// for readers of every language, and kilograms. Fields show and read the reader's form and unit.
import type { Schemas } from "../../api/problem";
import { AGAIN } from "../../parts/again";
import { dimensionsOf, volumeOf, weightOf } from "../../parts/dimensions";
import { handlingCodes } from "../../parts/handling.svelte";
import { addressed, addressedEntry, canonical } from "../../words/parse";
import { addressedWeightEntry, canonicalWeight } from "../../words/units";

export interface Asked {
  origin: string;
  destination: string;
  date: string;
  pieces: string;
  weight: string;
  volume: string;
  handling: string;
  /** The dimensions, as `dimensionsOf` reads them. */
  sizes: string;
}

export function askedOf(query: URLSearchParams, today: string): Asked {
  const get = (name: string) => query.get(name) ?? "";
  return {
    origin: get("origin").toUpperCase(),
    destination: get("destination").toUpperCase(),
    date: get("date") || today,
    pieces: get("pieces"),
    weight: get("weight"),
    volume: get("volume"),
    handling: get("handling"),
    sizes: get("sizes"),
  };
}

/** A search without an origin begins at the home airport of the account, if it has one. */
export const fromHome = (asked: Asked, home: string): Asked =>
  asked.origin === "" ? { ...asked, origin: home } : asked;

export const isComplete = (asked: Asked): boolean => asked.origin !== "" && asked.destination !== "";

const FIGURES = ["pieces", "volume"] as const;

/** As the fields show it. */
export const shown = (asked: Asked): Asked => ({
  ...asked,
  ...Object.fromEntries(FIGURES.map((name) => [name, addressedEntry(asked[name])])),
  weight: addressedWeightEntry(asked.weight),
});

/** As the address has it. */
export const canonicalOf = (form: Asked): Asked => ({
  ...form,
  ...Object.fromEntries(FIGURES.map((name) => [name, canonical(form[name])])),
  weight: canonicalWeight(form.weight),
  handling: handlingCodes(form.handling).join(","),
});

export function searchBody(asked: Asked): Schemas["SearchRoutes"] {
  const codes = handlingCodes(asked.handling);
  const members = {
    weight_kg: addressed(asked.weight),
    volume_m3: addressed(asked.volume),
    pieces: addressed(asked.pieces),
    dimensions: dimensionsOf(asked.sizes),
    special_handling_codes: codes.length > 0 ? codes : undefined,
    price: asked.weight.trim() === "" ? undefined : true,
  };
  const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  return { origin: asked.origin, destination: asked.destination, departure_date: asked.date, ...given };
}

/** The result of a search on one leg: the console asks for no more at once. */
export function resultOf(answer: Schemas["SearchAnswer"]): Schemas["SearchResult"] {
  if ("legs" in answer) throw new TypeError("an answer for several legs");
  return answer;
}

/** What a quote for these flights is asked for; nothing without a weight. */
export function quoteBody(
  asked: Asked,
  flights: readonly { id: string; origin: string; destination: string }[],
): Schemas["AskQuote"] | null {
  const { weight_kg, volume_m3, dimensions, special_handling_codes } = searchBody(asked);
  const [first, last] = [flights[0], flights[flights.length - 1]];
  if (!first || !last || !weight_kg) return null;
  return {
    origin: first.origin,
    destination: last.destination,
    flight_ids: flights.map(({ id }) => id),
    weight_kg,
    ...(volume_m3 ? { volume_m3 } : {}),
    ...(dimensions ? { dimensions } : {}),
    ...(special_handling_codes ? { special_handling_codes } : {}),
  };
}

function address(page: string, asked: Asked, more: Record<string, string> = {}): string {
  const query = new URLSearchParams(more);
  for (const name of ["origin", "destination", "date", "pieces", "weight", "volume", "handling", "sizes"] as const)
    if (asked[name]) query.set(name, asked[name]);
  return `${page}?${query.toString()}`;
}

/** With weight and volume of the dimensions where none are named. */
export const measured = (asked: Asked): Asked => ({
  ...asked,
  weight: asked.weight || weightOf(asked.sizes),
  volume: asked.volume || volumeOf(asked.sizes),
});

/** The address of a search. */
export const searchAddress = (asked: Asked): string => address("/", asked);

/** The address of the booking page for an option, as a product if one was chosen; `again`: the mark of one that is made again. */
export const bookAddress = (
  asked: Asked,
  flightIds: readonly string[],
  again: string | null,
  product: string | null = null,
): string =>
  address("/book", measured(asked), {
    flights: flightIds.join(","),
    ...(again ? { [AGAIN]: again } : {}),
    ...(product === null ? {} : { product }),
  });

/** The address of the page that puts an option on the waitlist. */
export const waitAddress = (asked: Asked, flightIds: readonly string[]): string =>
  address("/waitlist", measured(asked), { flights: flightIds.join(",") });

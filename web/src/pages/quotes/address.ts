// The addresses at which a quote is taken, and at which its freight is searched for again.
import type { Schemas } from "../../api/problem";
import { sizesOf } from "../../parts/dimensionTexts";

/** A flight of a quote; none is known before they are read. */
export type Leg = Pick<Schemas["Flight"], "origin" | "destination" | "departure_local">;

/** What was searched for: the route and its day, if its flights are known, and the freight. */
function searched(quote: Schemas["Quote"], legs: readonly Leg[]): [string, string][] {
  const [first, last] = [legs[0], legs[legs.length - 1]];
  const route: [string, string][] =
    first && last
      ? [
          ["origin", first.origin],
          ["destination", last.destination],
          ["date", first.departure_local.slice(0, 10)],
        ]
      : [];
  const sizes = sizesOf(quote.dimensions ?? []);
  const codes = quote.special_handling_codes.join(",");
  return [
    ...route,
    ["weight", String(quote.weight_kg)],
    ["volume", String(quote.volume_m3)],
    ...(codes ? [["handling", codes] as [string, string]] : []),
    ...(sizes ? [["sizes", sizes] as [string, string]] : []),
  ];
}

/** The search for the freight of a quote. */
export const searchAddress = (quote: Schemas["Quote"], legs: readonly Leg[]): string =>
  `/?${new URLSearchParams(searched(quote, legs)).toString()}`;

/** The booking page for the freight and the flights of a quote, at its price. */
export function takeAddress(quote: Schemas["Quote"], legs: readonly Leg[]): string {
  const query = new URLSearchParams([["flights", quote.flight_ids.join(",")], ...searched(quote, legs)]);
  if (quote.product !== "GENERAL") query.set("product", quote.product);
  query.set("quote", quote.id);
  return `/book?${query.toString()}`;
}

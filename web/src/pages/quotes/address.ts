// The address at which a quote is taken.
import type { Schemas } from "../../api/problem";

/** The booking page for the freight and the flights of a quote, at its price. */
export function takeAddress(quote: Schemas["Quote"]): string {
  const query = new URLSearchParams({
    flights: quote.flight_ids.join(","),
    weight: String(quote.weight_kg),
    volume: String(quote.volume_m3),
  });
  if (quote.special_handling_codes.length > 0) query.set("handling", quote.special_handling_codes.join(","));
  if (quote.product !== "GENERAL") query.set("product", quote.product);
  query.set("quote", quote.id);
  return `/book?${query.toString()}`;
}

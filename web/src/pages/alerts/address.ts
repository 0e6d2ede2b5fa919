// Where a search leads to an alert: all that it needs of that page.
import type { Schemas } from "../../api/problem";
import type { Asked } from "../search/asked";

/** The address of the form, filled in for a search; with the price of now, if it is known. */
export function newAlertAddress(
  kind: Schemas["AlertKind"],
  asked: Asked,
  price: Schemas["Money"] | null = null,
): string {
  const query = new URLSearchParams({ new: kind });
  for (const name of ["origin", "destination", "date", "weight", "volume", "handling"] as const)
    if (asked[name]) query.set(name, asked[name]);
  if (asked.sizes && kind === "SPACE") query.set("sizes", asked.sizes);
  if (price) {
    query.set("amount", price.amount);
    query.set("currency", price.currency);
  }
  return `/alerts?${query.toString()}`;
}

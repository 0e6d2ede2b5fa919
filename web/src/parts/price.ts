// The lines of a price in words: what is charged, and how the amount comes about.
import type { Schemas } from "../api/problem";
import { words } from "../words";
import { kilograms, number } from "../words/format";

export type Line = Schemas["QuoteLine"];
const texts = words.price;
const charges: Record<string, string> = texts.charges;

/** `Fuel surcharge`, `Carriage`, `Discount SPRING`; with the flight, where a line is of one of several. */
export function nameOf(line: Line, flights: readonly string[]): string {
  const name =
    line.kind === "WEIGHT"
      ? texts.carriage
      : line.kind === "DISCOUNT"
        ? texts.discount(line.code ?? "")
        : // Two letters of IATA, then whom it is due to.
          (charges[(line.code ?? "").slice(0, 2)] ?? texts.surcharge(line.code ?? ""));
  const flight = line.leg === null ? undefined : flights[line.leg - 1];
  return flight ? texts.onFlight(name, flight) : name;
}

/** `500 kg at 0.85`; empty where the amount says all. */
export function basisOf(line: Line): string {
  const { quantity, rate, rated_weight_kg: rated } = line;
  if (rate === null)
    return quantity !== null && line.basis.startsWith("PER_KG") ? texts.minimum(kilograms(quantity)) : "";
  if (line.basis === "PERCENT") return texts.percent(number(Number(rate), 4));
  if (quantity === null || !line.basis.startsWith("PER_KG")) return "";
  const charged = rated ?? quantity;
  const weight = charged === quantity ? kilograms(quantity) : texts.chargedAs(kilograms(quantity), kilograms(charged));
  const at = texts.at(weight, rateText(rate));
  // A bound is shown with what the rate alone would come to.
  const difference = Number(line.amount.amount) - charged * Number(rate);
  if (Math.abs(difference) < smallest(line.amount.amount)) return at;
  return difference > 0 ? texts.atLeast(at) : texts.atMost(at);
}

/** Two decimals at least, as prices have them. */
const rateText = (rate: string): string => {
  const decimals = Math.max(2, rate.split(".")[1]?.length ?? 0);
  return number(Number(rate), decimals, decimals);
};

/** The smallest step of an amount: `0.01` of `123.45`. */
const smallest = (amount: string): number => 10 ** -(amount.split(".")[1]?.length ?? 0);

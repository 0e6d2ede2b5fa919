import { expect, test } from "vitest";
import type { Schemas } from "../../api/problem";
import { searchAddress, takeAddress } from "./address";

const quote = {
  id: "q1",
  flight_ids: ["f1", "f2"],
  weight_kg: 1200.5,
  volume_m3: 0.006,
  special_handling_codes: [] as string[],
  product: "GENERAL",
} as Schemas["Quote"];

const legs = [
  { origin: "DEL", destination: "BOM", departure_local: "2026-12-02T23:30:00+05:30" },
  { origin: "BOM", destination: "LHR", departure_local: "2026-12-03T07:00:00+05:30" },
];
const members = (address: string) => Object.fromEntries(new URL(address, "http://any").searchParams);
const taken = (more: Partial<Schemas["Quote"]>) => members(takeAddress({ ...quote, ...more }, []));

test("a quote is taken with all that its price depends on", () => {
  expect(taken({})).toEqual({ flights: "f1,f2", weight: "1200.5", volume: "0.006", quote: "q1" });
  expect(taken({ special_handling_codes: ["AVI", "PER"], product: "ROSES" })).toEqual({
    flights: "f1,f2",
    weight: "1200.5",
    volume: "0.006",
    handling: "AVI,PER",
    product: "ROSES",
    quote: "q1",
  });
});

test("the address of a quote leads back to the search that it came of, and so does that of one that is over", () => {
  const search = { origin: "DEL", destination: "LHR", date: "2026-12-02", weight: "1200.5", volume: "0.006" };
  expect(members(takeAddress(quote, legs))).toEqual({ flights: "f1,f2", ...search, quote: "q1" });
  expect(searchAddress(quote, legs).startsWith("/?")).toBe(true);
  expect(members(searchAddress({ ...quote, special_handling_codes: ["AVI"] }, legs))).toEqual({
    ...search,
    handling: "AVI",
  });
});

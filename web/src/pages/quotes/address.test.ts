import { expect, test } from "vitest";
import type { Schemas } from "../../api/problem";
import { takeAddress } from "./address";

const quote = {
  id: "q1",
  flight_ids: ["f1", "f2"],
  weight_kg: 1200.5,
  volume_m3: 0.006,
  special_handling_codes: [] as string[],
  product: "GENERAL",
} as Schemas["Quote"];

const taken = (more: Partial<Schemas["Quote"]>) =>
  Object.fromEntries(new URL(takeAddress({ ...quote, ...more }), "http://any").searchParams);

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

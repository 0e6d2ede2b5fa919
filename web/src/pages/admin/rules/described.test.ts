import { expect, test } from "vitest";
import type { Schemas } from "../../../api/problem";
import { charge, period, rates, reach, reduction, route, scope, space } from "./described";

test("scopes are described in words", () => {
  expect(["LHR", "city:London,GB", "country:GB", "region:LATIN_AMERICA", "*"].map(scope)).toEqual([
    "LHR",
    "London, GB",
    "United Kingdom",
    "Latin America",
    "anywhere",
  ]);
  expect(route({ origin: "DEL", destination: "region:EUROPE" })).toBe("DEL → Europe");
});

test("a period has its year, and may be open", () => {
  expect(period("2026-01-01", null)).toBe("from 1 Jan 2026");
  expect(period("2026-12-01", "2027-01-31")).toBe("1 Dec 2026 – 31 Jan 2027");
});

test("what limits a rule is named, and nothing else", () => {
  expect(reach({ product: "GENERAL", flight_numbers: [], is_freighter: null })).toBe("no limit");
  expect(reach({ handling_codes: ["AVI", "PER"], airline_code: "AI", is_freighter: false, weekdays: [6, 7] })).toBe(
    "freight with AVI, PER · flown by AI · no freighters · Sat, Sun",
  );
});

test("rates and charges are described with their bounds", () => {
  const tariff = { currency: "JPY", minimum: "7500", normal: "16.5", breaks: [{ from_kg: 45, rate: "10" }] };
  expect(rates(tariff)).toBe("¥16.5 per kg · from 45 kg ¥10 · at least ¥7,500");
  const surcharge = { basis: "PERCENT", rate: "12", currency: null, minimum: "20", maximum: null, per: "LEG" };
  expect(charge(surcharge as Schemas["Surcharge"])).toBe("12 % of the weight charge · at least 20 · for each leg");
  const configured = { basis: "PER_KG_ACTUAL", rate: "0.15", currency: "USD", minimum: "10.00" } as const;
  expect(charge(configured)).toBe("$0.15 per gross kg · at least $10.00");
  const sale = { percent: null, amount: { amount: "50.00", currency: "USD" }, max_uses: 1000 };
  expect(reduction(sale as Schemas["Sale"])).toBe("$50.00 · at most 1,000 uses");
});

test("room leaves out dimensions without a figure", () => {
  expect(space({ weight_kg: 500, volume_m3: 3, positions: 0 })).toBe("500 kg · 3 m³");
  expect(space({ weight_kg: 0, volume_m3: 0, positions: 0 })).toBe("–");
});

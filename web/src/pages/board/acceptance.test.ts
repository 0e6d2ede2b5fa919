import { expect, it } from "vitest";
import { generalMinutes, latestOf, type Rule } from "./acceptance";

const rule = (minutes_before: number, product: string | null = null, handling_code: string | null = null): Rule => ({
  minutes_before,
  product,
  handling_code,
});

it("takes the longest rule for general freight", () => {
  expect(generalMinutes([rule(90), rule(240, "GENERAL"), rule(360, "EXPRESS"), rule(480, null, "AVI")])).toBe(240);
  expect(generalMinutes([rule(0)])).toBe(0);
});

it("knows nothing without a rule for general freight", () => {
  expect(generalMinutes([])).toBeNull();
  expect(generalMinutes([rule(360, "EXPRESS"), rule(480, "GENERAL", "AVI")])).toBeNull();
});

it("is never after the cut-off", () => {
  const flight = { departure_datetime: "2026-12-01T12:00:00Z", cutoff_datetime: "2026-12-01T11:00:00Z" };
  expect([0, 60, 61].map((minutes) => new Date(latestOf(flight, minutes)).toISOString())).toEqual([
    "2026-12-01T11:00:00.000Z",
    "2026-12-01T11:00:00.000Z",
    "2026-12-01T10:59:00.000Z",
  ]);
});

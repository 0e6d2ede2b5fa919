import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { changeText, chartsOf, rateText, sourceName, spanOf, unitRate } from "./history";

const point = (period: string, average: string): Schemas["RatePoint"] => ({
  period,
  low: "1.00",
  average,
  high: "9.00",
  samples: 3,
});
const series = (source: string, currency: string, points: Schemas["RatePoint"][]): Schemas["RateSeries"] => ({
  source,
  currency,
  points,
  now: null,
  change_percent: null,
  level: null,
});

describe("charts of a lane", () => {
  const span = { from: "2026-11-04", to: "2026-11-20", by: "week" } as const;
  const charts = chartsOf(
    [
      series("demo", "USD", [point("2026-11-02", "2.00")]),
      series("offered", "USD", [point("2026-11-16", "3.00")]),
      series("offered", "EUR", []),
    ],
    [
      // The first week of the span, by its first date in it, or by its Monday.
      { period: "2026-11-04", yield_per_kg: [{ amount: "1.75", currency: "USD" }] },
      { period: "2026-11-09", yield_per_kg: [{ amount: "1.50", currency: "EUR" }] },
    ],
    span,
  );

  it("are one for each currency, with all periods of the span", () => {
    expect(charts.map(({ currency }) => currency)).toEqual(["USD", "EUR"]);
    expect(charts[0]?.series.map(({ source }) => source)).toEqual(["demo", "offered"]);
    expect(charts[0]?.entries.map(({ period }) => period)).toEqual(["2026-11-02", "2026-11-09", "2026-11-16"]);
  });
  it("leave gaps where nothing was asked or sold", () => {
    expect(charts[0]?.entries.map(({ points }) => points.map((one) => one?.average ?? null))).toEqual([
      ["2.00", null],
      [null, null],
      [null, "3.00"],
    ]);
    expect(charts[0]?.entries.map(({ own }) => own)).toEqual(["1.75", null, null]);
    expect(charts[1]?.entries.map(({ own }) => own)).toEqual([null, "1.50", null]);
  });
});

it("ends a span today", () => {
  expect(spanOf("2026-11-28", "day")).toEqual({ from: "2026-10-30", to: "2026-11-28", by: "day" });
});

describe("a rate", () => {
  it("is of the unit of the account", () => {
    expect(unitRate("2.5", "kg")).toBe(2.5);
    expect(unitRate("2.5", "lb")).toBe(1.134);
  });
  it("has two decimals at least, and none if it is large and whole", () => {
    expect(rateText(2.5, "EUR")).toContain("2.50/kg");
    expect(rateText(1.1234, "EUR")).toContain("1.1234/kg");
    expect(rateText(300, "JPY")).toContain("300/kg");
  });
});

it("says how prices have changed, and names what is known", () => {
  expect([changeText(4.25), changeText(-3), changeText(null)]).toEqual(["+4.3 %", "-3 %", "–"]);
  expect([sourceName("offered"), sourceName("TACT")]).toEqual(["Offered", "TACT"]);
  expect([sourceName("reference", "Reference"), sourceName("reference")]).toEqual(["Reference", "reference"]);
});

import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { windowOf, windowRow } from "./window";

const day = (days_before: number, bookable_percent: number | null): Schemas["RateWindow"] => ({
  ...{ days_before, bookable_percent },
  ...(bookable_percent === null
    ? { currency: null, low: null, average: null }
    : { currency: "USD", low: "2.10", average: "2.5" }),
});

describe("the days before a departure", () => {
  it("begin with the earliest", () => {
    const days = windowOf([day(0, 20), day(1, null), day(2, 80)]);
    expect(days.map(({ days_before }) => days_before)).toEqual([2, 1, 0]);
  });
  it("are nothing if no departure was asked for", () => {
    expect(windowOf([day(0, null), day(1, null)])).toEqual([]);
  });
  it("have their share and prices, or nothing", () => {
    expect(windowRow(day(7, 62.5))).toEqual([
      "7",
      "62.5 %",
      expect.stringMatching(/\$2\.10\/kg$/),
      expect.stringMatching(/\$2\.50\/kg$/),
    ]);
    expect(windowRow(day(8, null)).slice(1)).toEqual(["–", "–", "–"]);
  });
});

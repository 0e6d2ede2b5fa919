import { expect, it } from "vitest";
import { labelEvery, periodOf, periods, share, ticks, ticksBetween } from "./scale";

it("gives an axis round values, up to the highest column", () => {
  expect(ticks(135)).toEqual([0, 50, 100, 150]);
  expect(ticks(4)).toEqual([0, 1, 2, 3, 4]);
  expect(ticks(385_423)).toEqual([0, 100_000, 200_000, 300_000, 400_000]);
  expect(ticks(1)).toEqual([0, 1]);
  expect(ticks(2)).toEqual([0, 1, 2]);
  expect(ticks(0.9, 0.1)).toEqual([0, 0.5, 1]);
  expect(ticks(0.7, 0.1)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
  expect(ticks(0.3, 0.1)).toEqual([0, 0.1, 0.2, 0.3]);
  for (const most of [0.04, 1, 3, 7.5, 19, 99.9, 100, 1234, 9e9]) {
    const all = ticks(most, 0.1);
    expect(all.at(-1)).toBeGreaterThanOrEqual(most);
    expect(all.length).toBeLessThanOrEqual(6);
  }
});

it("has an axis where nothing was counted", () => {
  expect(ticks(0)).toEqual([0, 1]);
  expect(ticks(Number.NaN)).toEqual([0, 1]);
});

it("leaves labels out that would touch", () => {
  expect(labelEvery(60, 50)).toBe(1);
  expect(labelEvery(9, 50)).toBe(6);
  expect(labelEvery(0, 50)).toBe(1);
});

it("counts the periods of a span, over the end of a year", () => {
  expect(periods("2026-12-30", "2027-01-02", "day")).toEqual(["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]);
  expect(periods("2026-12-30", "2027-01-04", "week")).toEqual(["2026-12-28", "2027-01-04"]);
  expect(periods("2026-11-30", "2027-01-01", "month")).toEqual(["2026-11-01", "2026-12-01", "2027-01-01"]);
  expect(periods("2026-12-02", "2026-12-01", "day")).toEqual([]);
});

it("begins a week on Monday", () => {
  expect(periodOf("2026-11-22", "week")).toBe("2026-11-16");
  expect(periodOf("2026-11-23", "week")).toBe("2026-11-23");
});

it("has no share of nothing", () => {
  expect(share(1, 4)).toBe(25);
  expect(share(0, 0)).toBeNull();
});

it("gives lines that lie far from 0 an axis of their own", () => {
  expect(ticksBetween(2.1, 2.9)).toEqual([2, 2.2, 2.4, 2.6, 2.8, 3]);
  expect(ticksBetween(310, 395)).toEqual([300, 350, 400]);
  // Where nothing moves, there is an axis around it.
  for (const value of [0.03, 2.5, 400]) {
    const axis = ticksBetween(value, value);
    expect(axis.length).toBeGreaterThan(1);
    expect(axis[0]).toBeLessThanOrEqual(value);
    expect(axis.at(-1)).toBeGreaterThanOrEqual(value);
  }
});

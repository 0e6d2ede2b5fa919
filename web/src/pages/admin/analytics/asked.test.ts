import { expect, it } from "vitest";
import { askedOf, laneText, periodName, perPeriod, SPANS } from "./asked";

const read = (query: string) => askedOf(new URLSearchParams(query), "2026-12-02");

it("is about the last 28 days where the address says nothing", () => {
  expect(read("")).toEqual({ from: "2026-11-05", to: "2026-12-02", by: "day" });
  expect(read("to=2026-01-28")).toEqual({ from: "2026-01-01", to: "2026-01-28", by: "day" });
  expect(read("by=year&from=2026-12-01").by).toBe("day");
});

it("takes filters as they stand in the address, and leaves faults to the API", () => {
  expect(read("from=2026-01-01&by=week&origin=DEL&airline=")).toEqual({
    from: "2026-01-01",
    to: "2026-12-02",
    by: "week",
    origin: "DEL",
  });
  expect(read("to=soon")).toMatchObject({ to: "soon" });
});

it.each([
  ["7d", "2026-11-26", "2026-12-02"],
  ["30d", "2026-11-03", "2026-12-02"],
  ["90d", "2026-09-04", "2026-12-02"],
  ["this-month", "2026-12-01", "2026-12-02"],
  ["last-month", "2026-11-01", "2026-11-30"],
])("a span of the address, %s, is from %s to %s, whatever dates stand beside it", (span, from, to) => {
  expect(SPANS).toContain(span);
  expect(read(`span=${span}&by=week&from=2020-01-01`)).toEqual({ from, to, by: "week" });
});

it("the month before January is December of the year before, and an unknown span is none", () => {
  const asked = askedOf(new URLSearchParams("span=last-month"), "2027-01-31");
  expect([asked.from, asked.to]).toEqual(["2026-12-01", "2026-12-31"]);
  expect(read("span=ever")).toEqual(read(""));
});

it("of the first and the last period has the days in the span", () => {
  const report = { from: "2026-11-28", to: "2026-12-02", rows: [] };
  expect(perPeriod(report, "month").map((it) => [it.from, it.to])).toEqual([
    ["2026-11-28", "2026-11-30"],
    ["2026-12-01", "2026-12-02"],
  ]);
});

it("has a place for each period, also for those without a row", () => {
  const report = { from: "2026-11-30", to: "2026-12-14", rows: [{ period: "2026-12-07", bookings: 3 }] };
  expect(perPeriod(report, "week").map((it) => it.row?.bookings ?? null)).toEqual([null, 3, null]);
});

it("names periods and lanes", () => {
  expect(periodName("2026-12-02", "day")).toBe("Wed 2 Dec 2026");
  expect(periodName("2026-11-30", "week")).toBe("Week from 30 Nov 2026");
  expect(periodName("2026-12-01", "month")).toBe("Dec 2026");
  expect(laneText("DEL-LHR")).toBe("DEL – LHR");
});

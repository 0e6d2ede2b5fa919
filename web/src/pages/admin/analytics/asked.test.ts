import { expect, it } from "vitest";
import { askedOf, laneText, periodName, perPeriod } from "./asked";

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

import { expect, it } from "vitest";
import { addDays, co2e, dateText, duration, instantOf, localDate, remaining, timeParts, timeText } from "./format";

it("writes a time with the station's zone and UTC", () => {
  expect(timeText("2026-12-02T08:35:00Z", "Asia/Kolkata")).toBe("Wed 2 Dec 14:05 IST · 08:35Z");
  expect(timeText("2026-12-02T18:35:00Z", "Asia/Kolkata")).toBe("Thu 3 Dec 00:05 IST · 18:35Z−1");
  expect(timeText("2026-07-01T11:00:00Z", "Europe/London")).toBe("Wed 1 Jul 12:00 BST · 11:00Z");
  expect(timeText("2026-12-02T08:00:00Z", "Asia/Dubai")).toMatch(/^Wed 2 Dec 12:00 (GST|\+04:00) · 08:00Z$/);
});

it("counts local dates, also over the date line", () => {
  const left = { at: "2026-12-02T08:35:00Z", zone: "Asia/Kolkata" };
  expect(timeParts("2026-12-02T23:00:00Z", "Asia/Singapore", left).shift).toBe("+1");
  const auckland = { at: "2026-12-02T20:00:00Z", zone: "Pacific/Auckland" };
  expect(timeParts("2026-12-03T05:00:00Z", "Pacific/Honolulu", auckland).shift).toBe("−1");
});

it("writes emissions with one decimal at most", () => {
  expect(co2e(5111.3)).toBe("5,111.3 kg CO2e");
  expect(co2e(0)).toBe("0 kg CO2e");
});

it("writes durations and countdowns", () => {
  expect(duration(560)).toBe("9 h 20 min");
  expect(duration(45)).toBe("45 min");
  expect(duration(120)).toBe("2 h");
  expect(remaining(247_000)).toBe("4:07");
  expect(remaining(246_001)).toBe("4:07");
  expect(remaining(3_729_000)).toBe("1:02:09");
  expect(remaining(-5)).toBe("0:00");
  expect(remaining(53 * 3_600_000)).toBe("2 days 5 h");
});

it("counts with local dates", () => {
  expect(dateText("2026-12-02")).toBe("Wed 2 Dec");
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(localDate(new Date("2026-12-02T20:00:00Z"), "Asia/Kolkata")).toBe("2026-12-03");
});

it.each([
  ["2026-12-02", "14:05", "Asia/Kolkata", "2026-12-02T08:35:00.000Z"],
  ["2026-12-02", "00:10", "Pacific/Kiritimati", "2026-12-01T10:10:00.000Z"],
  ["2026-03-29", "03:30", "Europe/London", "2026-03-29T02:30:00.000Z"],
  // Shown twice: the earlier one.
  ["2026-10-25", "02:30", "Europe/Zurich", "2026-10-25T00:30:00.000Z"],
  ["2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
  ["2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00.000Z"],
])("finds the instant of %s %s in %s", (date, time, zone, instant) => {
  expect(instantOf(date, time, zone)?.toISOString()).toBe(instant);
});

it("finds no instant of a time that the clock skips", () => {
  expect(instantOf("2026-03-29", "02:30", "Europe/Zurich")).toBeNull();
  expect(instantOf("2026-03-29", "01:30", "Europe/London")).toBeNull();
});

import { describe, expect, it, test } from "vitest";
import {
  capabilityName,
  datesText,
  daysText,
  desksOf,
  growthText,
  hostOf,
  noticesFrom,
  offered,
  openness,
  opennessText,
  ruleScope,
  type Hours,
} from "./station";

const hours = (days: number[], from: string, to: string, desk: Hours["desk"] = "EXPORT"): Hours => ({
  desk,
  days,
  from,
  to,
});
const WEEK = [1, 2, 3, 4, 5, 6, 7];
const at = (all: Hours[], instant: string, zone = "Asia/Kolkata") =>
  opennessText(openness(all, "EXPORT", new Date(instant), zone));

describe("a desk", () => {
  const workdays = [hours([1, 2, 3, 4, 5], "06:00", "22:00")];

  it.each([
    // A Wednesday in Delhi, 5:30 ahead.
    ["2026-12-02T00:29:00Z", "Closed, opens Wed 06:00"],
    ["2026-12-02T00:30:00Z", "Open until Wed 22:00"],
    ["2026-12-02T16:29:00Z", "Open until Wed 22:00"],
    ["2026-12-02T16:30:00Z", "Closed, opens Thu 06:00"],
    // Friday night, and still Sunday in London.
    ["2026-12-04T18:00:00Z", "Closed, opens Mon 06:00"],
    ["2026-12-06T20:00:00Z", "Closed, opens Mon 06:00"],
  ])("of workdays is at %s: %s", (instant, text) => expect(at(workdays, instant)).toBe(text));

  it("is open over midnight, also from Sunday to Monday", () => {
    const nights = [hours(WEEK, "20:00", "24:00"), hours(WEEK, "00:00", "04:00")];
    expect(at(nights, "2026-12-06T17:00:00Z")).toBe("Open until Mon 04:00");
    expect(at(nights, "2026-12-01T19:00:00Z")).toBe("Open until Wed 04:00");
    expect(at(nights, "2026-12-01T22:30:00Z")).toBe("Closed, opens Wed 20:00");
  });

  it("is open around the clock, or never", () => {
    expect(at([hours(WEEK, "00:00", "24:00")], "2026-12-06T18:29:00Z")).toBe("Open, around the clock");
    expect(at([hours(WEEK, "00:00", "24:00", "IMPORT")], "2026-12-06T18:29:00Z")).toBe("Closed");
  });

  it("follows the clock of the station over both changes of it, and at both ends of the day", () => {
    const daily = [hours(WEEK, "02:00", "03:00")];
    // In Berlin the clock shows 02:30 twice on 25 October, and never on 28 March.
    expect(at(daily, "2026-10-25T00:30:00Z", "Europe/Berlin")).toBe("Open until Sun 03:00");
    expect(at(daily, "2026-10-25T01:30:00Z", "Europe/Berlin")).toBe("Open until Sun 03:00");
    expect(at(daily, "2027-03-28T01:00:00Z", "Europe/Berlin")).toBe("Closed, opens Mon 02:00");
    const mondays = [hours([1], "00:00", "24:00")];
    expect(at(mondays, "2026-11-29T10:30:00Z", "Pacific/Kiritimati")).toBe("Open until Tue 00:00");
    expect(at(mondays, "2026-11-30T10:30:00Z", "Pacific/Pago_Pago")).toBe("Closed, opens Mon 00:00");
    expect(at(mondays, "2026-12-01T10:30:00Z", "Pacific/Pago_Pago")).toBe("Open until Tue 00:00");
  });
});

test.each([
  [[1, 2, 3, 4, 5], "Mon–Fri"],
  [[6, 7], "Sat, Sun"],
  [[7, 1, 2, 3], "Mon–Wed, Sun"],
  [[4], "Thu"],
  [[1, 3, 5], "Mon, Wed, Fri"],
])("the days %j are %s", (days, text) => expect(daysText(days)).toBe(text));

test("desks stand in their order, and only with hours", () => {
  const all = [hours([1], "06:00", "07:00", "CUSTOMS"), hours([1], "06:00", "07:00")];
  expect(desksOf(all)).toEqual(["EXPORT", "CUSTOMS"]);
});

test("notices of now come first, and those that are over do not come", () => {
  const notice = (text: string, from: string, to: string) => ({
    ...{ text, from, to },
    is_current: from <= "2026-12-02" && "2026-12-02" <= to,
  });
  const all = [
    notice("over", "2026-11-01", "2026-12-01"),
    notice("next", "2026-12-03", "2026-12-03"),
    notice("now", "2026-12-02", "2026-12-02"),
  ];
  expect(noticesFrom(all, "2026-12-02").map(({ text }) => text)).toEqual(["now", "next"]);
  expect(all.map(datesText)).toEqual(["1 Nov 2026 – 1 Dec 2026", "3 Dec 2026", "2 Dec 2026"]);
});

test("a rule names the freight that it is for", () => {
  const rule = (product: string | null, handling_code: string | null) =>
    ruleScope({ minutes_before: 90, product, handling_code });
  expect([rule(null, null), rule("EXPRESS", null), rule("EXPRESS", "AVI")]).toEqual([
    "all freight",
    "EXPRESS",
    "EXPRESS · AVI",
  ]);
});

test("a link is followed by https alone, and its host is shown", () => {
  expect(hostOf("https://www.example.com/page?x=1")).toBe("www.example.com");
  for (const link of ["http://example.com/", "javascript:alert(1)", "example.com", "", null])
    expect(hostOf(link)).toBeNull();
});

test("a capability of a later release, and growth in both directions", () => {
  expect([capabilityName("COOL_ROOM"), capabilityName("HELIPORT")]).toEqual(["Cool room", "HELIPORT"]);
  expect([growthText(62.5), growthText(-12), growthText(0)]).toEqual(["+62.5 %", "-12 %", "0 %"]);
});

test("what is offered stands in its order", () => {
  const one = (name: string, order: number, is_active = true) => ({ name, order, is_active });
  const all = [one("c", 2), one("b", 1), one("x", 0, false), one("a", 1)];
  expect(offered(all).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

import { expect, test } from "vitest";
import {
  bodyOf,
  chosen,
  earliestOf,
  firstToArrive,
  optionsFound,
  routesOf,
  startOf,
  tookAnother,
  type OnwardOption,
} from "./onward";

type Booking = Parameters<typeof startOf>[0];

const option = (id: string, arrival: string) => ({ flights: [{ id }], arrival_datetime: arrival }) as OnwardOption;
const idOf = (found: OnwardOption) => found.flights[0]?.id;
const leg = (origin: string, destination: string, status: string, departure: string) => ({
  origin,
  destination,
  status,
  departure_datetime: departure,
  arrival_datetime: departure,
});
const booking = (legs: object[], more: object = {}) =>
  ({
    ref_id: "ACB12345",
    version: 3,
    current_airport: "DEL",
    origin: "DEL",
    destination: "LHR",
    legs,
    ...more,
  }) as Booking;

const dayOf = (instant: string) => instant.slice(0, 10);
const DAYS = ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"];

test("the earliest arrival of all days comes first, also if it leaves a day later", async () => {
  const found = await firstToArrive(DAYS, dayOf, (day) =>
    Promise.resolve(
      {
        "2026-12-01": [option("slow", "2026-12-03T20:00:00Z")],
        "2026-12-02": [option("direct", "2026-12-02T20:00:00Z")],
      }[day] ?? [],
    ),
  );
  expect(found.map(idOf)).toEqual(["direct", "slow"]);
});

test("a day that can only have later arrivals is not asked for", async () => {
  const asked: string[] = [];
  const found = await firstToArrive(DAYS, dayOf, (day) => {
    asked.push(day);
    return Promise.resolve([1, 2, 3, 4].map((hour) => option(`${day} ${hour}`, `${day}T0${hour}:00:00Z`)));
  });
  expect(asked).toEqual(["2026-12-01"]);
  expect(found.map(idOf)).toEqual([1, 2, 3].map((hour) => `2026-12-01 ${hour}`));
});

test("an option is looked for from the day of the flight that was lost, or from now", () => {
  const now = Date.parse("2026-12-01T00:00:00Z");
  const later = "2026-12-09T10:00:00Z";
  expect(startOf(booking([leg("DEL", "LHR", "CANCELLED", later)]), now, now)).toBe(Date.parse(later));
  expect(startOf(booking([leg("DEL", "LHR", "OFFLOADED", "2026-11-30T10:00:00Z")]), now, now)).toBe(now);
  expect(startOf(booking([leg("DEL", "LHR", "REPLACED", later)]), now, now)).toBe(now);
  expect(startOf(booking([leg("DEL", "LHR", "REPLACED", later)]), now + 1, now)).toBe(now + 1);
  const flying = [leg("DEL", "BOM", "DEPARTED", "2026-12-02T10:00:00Z"), leg("BOM", "LHR", "CANCELLED", later)];
  expect(startOf(booking(flying, { current_airport: null }), now, now)).toBe(Date.parse(later));
});

test("the earliest departure is the server's, or else the landing, and never in the past", () => {
  const now = Date.parse("2026-12-01T00:00:00Z");
  const [landing, connected] = ["2026-12-02T10:00:00Z", "2026-12-02T12:00:00Z"];
  const flying = booking([leg("DEL", "BOM", "DEPARTED", landing)], { current_airport: null });
  expect(earliestOf(flying, now, connected)).toBe(Date.parse(connected));
  expect(earliestOf(flying, now, null)).toBe(Date.parse(landing));
  expect(earliestOf(booking([leg("DEL", "LHR", "BOOKED", landing)]), now, null)).toBe(now);
  expect(earliestOf(booking([leg("DEL", "BOM", "ARRIVED", landing)]), now, connected)).toBe(Date.parse(connected));
  expect(earliestOf(flying, now, "2026-11-30T12:00:00Z")).toBe(now);
});

test("many at once take what each shows first, if it shows anything, and never another version than is shown", () => {
  const shown = booking([]);
  const route = chosen(shown, option("f1", "2026-12-01T00:00:00Z"));
  expect(route).toEqual({ ref_id: "ACB12345", flight_ids: ["f1"], version: 3 });
  const rows = [shown, { ...shown, ref_id: "ACB99999", version: 5 }, { ...shown, ref_id: "ACB00000" }];
  const first = new Map([["ACB12345", route]]);
  expect(routesOf(["ACB12345", "ACB99999"], rows, first)).toEqual([route, { ref_id: "ACB99999", version: 5 }]);
  expect(routesOf(["ACB12345"], [{ ...shown, version: 4 }], first)).toEqual([{ ref_id: "ACB12345", version: 4 }]);
});

test("a booking that took another route than the one shown is distinguished from all others", () => {
  const sent = [
    { ref_id: "ACB1", flight_ids: ["a", "b"], version: 1 },
    { ref_id: "ACB2", version: 1 },
  ];
  expect(tookAnother({ id: "ACB1", flight_ids: ["a", "b"] }, sent)).toBe(false);
  expect(tookAnother({ id: "ACB1", flight_ids: ["a", "c"] }, sent)).toBe(true);
  expect(tookAnother({ id: "ACB1", flight_ids: null }, sent)).toBe(false);
  expect(tookAnother({ id: "ACB2", flight_ids: ["a"] }, sent)).toBe(false);
});

test("freight with dimensions is searched for with them, and direct flights are options like connections", () => {
  const dimensions = [{ pieces: 4, length_cm: 120, width_cm: 80, height_cm: 150, weight_kg: null }];
  const sized = booking([], {
    ...{ weight_kg: 200, volume_m3: 5.76, positions: 0 },
    special_handling_codes: [],
    dimensions,
  });
  expect(bodyOf(sized, "BOM", "2026-12-02")).toEqual({
    ...{ origin: "BOM", destination: "LHR", departure_date: "2026-12-02", weight_kg: 200, volume_m3: 5.76, dimensions },
  });
  const direct = { id: "d", duration_minutes: 570, departure_datetime: "2026-12-02T10:00:00Z", bookable: true };
  const result = { direct_flights: [direct], transit_routes: [option("via", "2026-12-03T10:00:00Z")] };
  const found = optionsFound(result as unknown as Parameters<typeof optionsFound>[0]);
  expect(found.map(idOf)).toEqual(["d", "via"]);
  expect(found[0]).toMatchObject({ total_duration_minutes: 570, bookable: true });
});

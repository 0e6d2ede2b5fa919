import { expect, test } from "vitest";
import { next } from "./next";

type Booking = Parameters<typeof next>[0];
const leg = (origin: string, destination: string, status: string) =>
  ({
    flight_number: `AI${origin}`,
    origin,
    destination,
    status,
    departure_datetime: "2026-12-01T10:00:00Z",
    arrival_datetime: "2026-12-01T12:00:00Z",
  }) as Booking["legs"][number];
const booking = (status: string, legs: Booking["legs"], more: Partial<Booking> = {}): Booking => ({
  status: status as Booking["status"],
  at_destination: false,
  needs_rerouting: false,
  current_airport: "DEL",
  origin: "DEL",
  destination: "LHR",
  legs,
  ...more,
});

test("what is booked departs, what flies arrives, what has arrived goes on or is delivered", () => {
  const legs = [leg("DEL", "BOM", "BOOKED"), leg("BOM", "LHR", "BOOKED")];
  expect(next(booking("BOOKED", legs))).toMatchObject({ kind: "depart", place: "DEL", flight: "AIDEL" });
  const flying = [leg("DEL", "BOM", "DEPARTED"), leg("BOM", "LHR", "BOOKED")];
  expect(next(booking("DEPARTED", flying, { current_airport: null }))).toMatchObject({ kind: "arrive", place: "BOM" });
  const between = [leg("DEL", "BOM", "ARRIVED"), leg("BOM", "LHR", "BOOKED")];
  expect(next(booking("ARRIVED", between, { current_airport: "BOM" }))).toMatchObject({ kind: "depart", place: "BOM" });
  const there = [leg("DEL", "LHR", "ARRIVED")];
  expect(next(booking("ARRIVED", there, { at_destination: true })).kind).toBe("deliver");
});

test("cargo without a flight from where it is needs another route, and what is over needs nothing", () => {
  const lost = [leg("DEL", "BOM", "ARRIVED"), leg("BOM", "LHR", "CANCELLED")];
  expect(next(booking("ARRIVED", lost, { needs_rerouting: true, current_airport: "BOM" }))).toMatchObject({
    kind: "reroute",
    place: "BOM",
  });
  const gap = [leg("DEL", "BOM", "OFFLOADED"), leg("BOM", "LHR", "BOOKED")];
  expect(next(booking("BOOKED", gap, { needs_rerouting: true })).kind).toBe("reroute");
  expect(next(booking("CANCELLED", [leg("DEL", "LHR", "RELEASED")])).kind).toBe("nothing");
});

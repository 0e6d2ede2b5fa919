import { expect, test } from "vitest";
import type { Flight } from "./act";
import { bodyOf, copyOf, isSkipped, nothing, withDeparture } from "./draft";

const ZONES = { origin: "Asia/Kolkata", destination: "Europe/London" };
const flight = {
  flight_number: "AI131",
  origin: "DEL",
  destination: "LHR",
  // Delayed by two hours.
  departure_datetime: "2026-03-28T10:35:00Z",
  arrival_datetime: "2026-03-28T20:00:00Z",
  scheduled_departure_datetime: "2026-03-28T08:35:00Z",
  scheduled_arrival_datetime: "2026-03-28T18:00:00Z",
  cutoff_datetime: "2026-03-28T09:05:00Z",
  aircraft_code: null,
  capacity: { weight_kg: 11_000, volume_m3: 66, positions: 5 },
  physical_capacity: { weight_kg: 10_000, volume_m3: 60.5, positions: 4 },
} as Flight;

test("a copy has the scheduled local times a day later, and what the flight carries without overbooking", () => {
  expect(copyOf(flight, ZONES, "kg")).toEqual({
    number: "AI131",
    origin: "DEL",
    destination: "LHR",
    departure: "2026-03-29T14:05",
    followed: "2026-03-29T14:05",
    arrival: "2026-03-29T18:00",
    aircraft: "",
    weight: "10000",
    volume: "60.5",
    positions: "4",
    cutoff: "90",
  });
});

test("the body of a copy has the instants of its local times, across a change of the clock", () => {
  expect(bodyOf(copyOf(flight, ZONES, "kg"), ZONES, "kg")).toEqual({
    flight_number: "AI131",
    origin: "DEL",
    destination: "LHR",
    departure_datetime: "2026-03-29T08:35:00.000Z",
    // London's clock went forward that night.
    arrival_datetime: "2026-03-29T17:00:00.000Z",
    aircraft_code: null,
    capacity: { weight_kg: 10_000, volume_m3: 60.5, positions: 4 },
    cutoff_minutes: 90,
  });
});

test("what is not entered is null, and without a figure there is no capacity", () => {
  expect(bodyOf({ ...nothing(), aircraft: "77X" }, ZONES, "kg")).toEqual({
    flight_number: null,
    origin: null,
    destination: null,
    departure_datetime: null,
    arrival_datetime: null,
    aircraft_code: "77X",
    cutoff_minutes: null,
  });
  expect(bodyOf({ ...nothing(), weight: "much" }, ZONES, "kg").capacity).toEqual({ weight_kg: "much" });
});

test("the arrival follows the date of the departure, and keeps its time", () => {
  const before = { departure: "2026-12-30T22:00", followed: "2026-12-30T22:00", arrival: "2026-12-31T04:00" };
  const arrivalWith = (departure: string, of = before) => withDeparture(departure, of).arrival;
  expect(arrivalWith("2027-01-02T22:00")).toBe("2027-01-03T04:00");
  expect(arrivalWith("2026-12-30T23:00")).toBe("2026-12-31T04:00");
  expect(arrivalWith("2026-12-30T22:00", { ...before, followed: "" })).toBe("2026-12-31T04:00");
  expect(arrivalWith("2026-12-30T22:00", { departure: "", followed: "", arrival: "" })).toBe("");
  // The day is emptied and typed again, and the year digit by digit.
  const emptied = withDeparture("", before);
  expect(emptied).toEqual({ ...before, departure: "" });
  const typed = ["0002-01-02T22:00", "0020-01-02T22:00", "0202-01-02T22:00", "2027-01-02T22:00"];
  expect(typed.reduce((times, departure) => withDeparture(departure, times), emptied).arrival).toBe("2027-01-03T04:00");
});

test("a copy is read in the unit that it is written in, and a time without a known clock is none", () => {
  const copy = copyOf(flight, ZONES, "lb");
  expect(copy.weight).not.toBe("10000");
  const { capacity, departure_datetime } = bodyOf(copy, { ...ZONES, origin: null }, "lb");
  expect(Math.round(Number(capacity?.weight_kg))).toBe(10_000);
  expect(departure_datetime).toBeNull();
  expect(isSkipped("2026-03-29T01:30", null)).toBe(false);
});

test("a time that the clock skips is one, an empty one is not", () => {
  expect(isSkipped("2026-03-29T01:30", "Europe/London")).toBe(true);
  expect(isSkipped("2026-03-29T02:30", "Europe/London")).toBe(false);
  expect(isSkipped("", "Europe/London")).toBe(false);
});

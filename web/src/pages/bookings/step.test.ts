import { expect, test } from "vitest";
import { correctable, legOf, unusual } from "./step";

type Booking = Parameters<typeof unusual>[1];
type Leg = Booking["legs"][number];
const NOW = Date.parse("2026-12-01T10:00:00Z");
const leg = (status: string, departure: string, arrival: string) =>
  ({
    flight_number: "AI101",
    status,
    departure_datetime: `2026-12-${departure}Z`,
    arrival_datetime: `2026-12-${arrival}Z`,
  }) as Leg;
const booking = (legs: Leg[], more: Partial<Booking> = {}): Booking => ({
  legs,
  needs_rerouting: false,
  balance_due: null,
  ...more,
});
const flight = (status: string) => ({ flight_number: "AI101", status }) as Parameters<typeof unusual>[2];

test("a departure nine days early is unusual, and one at its time is not", () => {
  const early = booking([leg("BOOKED", "10T10:00:00", "10T18:00:00")]);
  expect(unusual("depart", early, flight("SCHEDULED"), NOW)).toEqual(["Leaves in 9 days."]);
  const hours = booking([leg("BOOKED", "01T15:00:00", "02T00:00:00")]);
  expect(unusual("depart", hours, flight("SCHEDULED"), NOW)).toEqual(["Leaves in 5 hours."]);
  for (const time of ["01T11:00:00", "01T10:00:00", "01T09:00:00"]) {
    const usual = booking([leg("BOOKED", time, "02T00:00:00")]);
    expect(unusual("depart", usual, flight("SCHEDULED"), NOW), time).toEqual([]);
  }
});

test("a step long after its time, or against the state of its flight, is unusual", () => {
  const late = booking([leg("BOOKED", "01T10:00:00", "01T18:00:00")]);
  const later = NOW + 3 * 86_400_000;
  expect(unusual("depart", late, flight("DEPARTED"), later)).toEqual([
    "Was to leave 3 days ago.",
    "AI101 itself has departed without this booking.",
  ]);
  expect(unusual("depart", late, flight("CANCELLED"), NOW)).toEqual(["AI101 is cancelled."]);
  const flying = booking([leg("DEPARTED", "01T09:00:00", "01T17:00:00")]);
  expect(unusual("arrive", flying, flight("SCHEDULED"), NOW)).toEqual([
    "Lands in 7 hours.",
    "AI101 itself has not departed.",
  ]);
  expect(unusual("arrive", flying, null, Date.parse("2026-12-01T17:00:00Z"))).toEqual([]);
});

test("cargo that needs a route, or is not paid for, is unusual to move", () => {
  const due = { amount: "120.00", currency: "USD" };
  const here = booking([leg("ARRIVED", "01T00:00:00", "01T08:00:00")], { balance_due: due });
  expect(unusual("deliver", here, flight("ARRIVED"), NOW)).toEqual(["$120.00 is still to be paid."]);
  const back = booking([leg("ARRIVED", "01T00:00:00", "01T08:00:00")], { balance_due: { ...due, amount: "-1.00" } });
  expect(unusual("deliver", back, flight("ARRIVED"), NOW)).toEqual([]);
  const lost = booking([leg("BOOKED", "01T10:00:00", "01T18:00:00")], { needs_rerouting: true });
  expect(unusual("depart", lost, null, NOW)).toEqual(["The cargo needs another route."]);
});

test("a step is about the leg that it moves", () => {
  const legs = [
    leg("REPLACED", "01T00:00:00", "01T01:00:00"),
    leg("ARRIVED", "01T02:00:00", "01T03:00:00"),
    leg("ARRIVED", "01T04:00:00", "01T05:00:00"),
    leg("BOOKED", "01T06:00:00", "01T07:00:00"),
  ];
  expect(legOf("depart", { legs })).toBe(legs[3]);
  expect(legOf("deliver", { legs })).toBe(legs[2]);
  expect(legOf("arrive", { legs })).toBeUndefined();
});

test("only the last event, if it is a step, can be taken back, and for an hour", () => {
  const event = (event_type: string) => ({ event_type, created_at: "2026-12-01T10:00:00Z" }) as never;
  const of = (...types: string[]) => types.map(event);
  for (const type of ["DEPARTED", "ARRIVED", "DELIVERED"]) {
    expect(correctable(of("BOOKED", type), NOW)).not.toBeNull();
    expect(correctable(of("BOOKED", type), NOW + 3_600_000)).not.toBeNull();
    expect(correctable(of("BOOKED", type), NOW + 3_600_001)).toBeNull();
    expect(correctable(of("BOOKED", type, "CORRECTED"), NOW)).toBeNull();
  }
  for (const type of ["BOOKED", "CANCELLED", "AMENDED", "PAYMENT_CHANGED"])
    expect(correctable(of("BOOKED", type), NOW)).toBeNull();
  expect(correctable([], NOW)).toBeNull();
});

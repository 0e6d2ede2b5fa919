import { expect, it } from "vitest";
import { mostBooked, rest } from "./lanes";

const row = (key: string, bookings: number, weight_kg: number) => ({
  key,
  bookings,
  cancelled: 1,
  pieces: 2 * bookings,
  weight_kg,
});

it("ranks lanes by the bookings of all periods, among equals by weight", () => {
  const ranked = mostBooked([row("A-B", 3, 10), row("C-D", 4, 5), row("E-F", 4, 50), row("A-B", 2, 1)]);
  expect(ranked.map((lane) => lane.lane)).toEqual(["A-B", "E-F", "C-D"]);
  expect(ranked[0]).toEqual({ lane: "A-B", bookings: 5, cancelled: 2, pieces: 10, weight_kg: 11 });
});

it("has the lanes that are not shown as what is left of the total", () => {
  const lanes = mostBooked([row("A-B", 3, 10), row("C-D", 4, 5)]);
  const total = { bookings: 7, cancelled: 2, pieces: 14, weight_kg: 15 };
  expect(rest(total, lanes.slice(0, 1))).toEqual({ bookings: 3, cancelled: 1, pieces: 6, weight_kg: 10 });
  expect(rest(total, lanes)).toBeNull();
});

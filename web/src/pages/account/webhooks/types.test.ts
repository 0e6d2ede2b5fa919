import { expect, test } from "vitest";
import { families, toggled } from "./types";

const all = ["loadmaster.flight.departed.v1", "loadmaster.hold.expired.v1", "loadmaster.booking.booked.v1"].map(
  (type) => ({ type, subject: "", description: "" }),
);
const patterns = (chosen: string[], isEverybodys: boolean) =>
  families(all, chosen, isEverybodys).map((family) => family.pattern);

test("an organization chooses from what it can get, operators from everything", () => {
  expect(patterns([], false)).toEqual(["loadmaster.booking.*", "loadmaster.hold.*"]);
  expect(patterns([], true)).toEqual(["loadmaster.booking.*", "loadmaster.hold.*", "loadmaster.flight.*"]);
});

test("what is chosen already can be taken back, whatever it is", () => {
  expect(patterns(["loadmaster.flight.departed.v1"], false)).toContain("loadmaster.flight.*");
  expect(patterns(["loadmaster.*"], false)).toContain("loadmaster.*");
  const [bookings] = families(all, ["loadmaster.booking.old.v1"], false);
  expect(bookings?.types.map((entry) => entry.type)).toEqual([
    "loadmaster.booking.booked.v1",
    "loadmaster.booking.old.v1",
  ]);
});

test("a family takes the place of its types", () => {
  const chosen = ["loadmaster.hold.expired.v1", "loadmaster.booking.booked.v1"];
  expect(toggled(chosen, "loadmaster.hold.*", true)).toEqual(["loadmaster.booking.booked.v1", "loadmaster.hold.*"]);
  expect(toggled(chosen, "loadmaster.hold.expired.v1", false)).toEqual(["loadmaster.booking.booked.v1"]);
});

import { expect, test } from "vitest";
import { change, percentagesOf, possible, rightsOf, type Entered } from "./act";

const [admin, operator, atNight] = [
  rightsOf(true, []),
  rightsOf(false, ["booking"]),
  rightsOf(false, ["booking", "operators_change_flights"]),
];
const NOTHING: Entered = {
  departure: null,
  arrival: null,
  aircraft: "",
  reason: "",
  overbooking: { weight_percent: "", volume_percent: "", positions_percent: "" },
  left: {},
  acceptsOversize: false,
};
const of = (status: string) => ({ status }) as Parameters<typeof possible>[0];

test("an operator changes flights only where the server lets operators, and never cancels one", () => {
  expect(possible(of("SCHEDULED"), operator)).toEqual(["depart"]);
  expect(possible(of("SCHEDULED"), atNight)).toEqual(["depart", "retime", "swap", "offload"]);
  expect(possible(of("SCHEDULED"), admin)).toEqual(["depart", "retime", "swap", "offload", "overbook", "cancel"]);
});

test("a flight in the air arrives, and gets another arrival from who may change it", () => {
  expect(possible(of("DEPARTED"), operator)).toEqual(["arrive"]);
  expect(possible(of("DEPARTED"), atNight)).toEqual(["arrive", "retime"]);
  for (const status of ["ARRIVED", "CANCELLED"]) expect(possible(of(status), admin)).toEqual([]);
});

test("the overbooking is sent whole: an empty figure is none, and what is no figure is the API's to refuse", () => {
  const flight = { overbooking: { weight_percent: 5, volume_percent: 0, positions_percent: 10 } };
  const overbooking = { ...percentagesOf(flight), volume_percent: "", positions_percent: "many" };
  expect(change("overbook", { ...NOTHING, overbooking })).toEqual({
    overbooking: { weight_percent: 5, volume_percent: 0, positions_percent: "many" },
  });
});

test("another aircraft is accepted with pieces that pass through no door of it, or they are off-loaded", () => {
  const swap = { ...NOTHING, aircraft: "320" };
  expect(change("swap", swap)).toEqual({ aircraft_code: "320" });
  expect(change("swap", { ...swap, acceptsOversize: true })).toEqual({ aircraft_code: "320", accept_oversize: true });
  expect(change("swap", { ...swap, left: { ABCDE: "OFFLOADED" } })).toEqual({
    aircraft_code: "320",
    offload: ["ABCDE"],
  });
});

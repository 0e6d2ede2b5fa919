import { expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { headline } from "./headline";

type Tracking = Schemas["Tracking"];
const leg = (sequence: number, origin: string, destination: string, status: string) =>
  ({ sequence, origin, destination, status, flight_number: `AI${sequence}` }) as Schemas["Leg"];
const said = (more: Partial<Tracking>) =>
  headline(
    {
      status: "BOOKED",
      origin: "TRV",
      destination: "BLR",
      current_airport: "TRV",
      at_destination: false,
      legs: [],
      ...more,
    },
    (code) => code,
  );

it("says where the cargo is while its flights lead on", () => {
  const ahead = [leg(1, "TRV", "CJB", "BOOKED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(said({ legs: ahead })).toBe("Booked. The cargo is expected at TRV.");
  const flying = [leg(1, "TRV", "CJB", "DEPARTED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(said({ status: "DEPARTED", current_airport: null, legs: flying })).toBe("On its way to CJB.");
  const landed = [leg(1, "TRV", "BLR", "ARRIVED")];
  expect(said({ status: "ARRIVED", current_airport: "BLR", at_destination: true, legs: landed })).toBe(
    "Arrived at its destination, BLR.",
  );
});

it("names a cancelled flight first", () => {
  expect(said({ legs: [leg(1, "TRV", "BLR", "CANCELLED")] })).toBe(
    "AI1 is cancelled. The cargo gets another flight from TRV.",
  );
  const first = [leg(1, "TRV", "CJB", "CANCELLED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(said({ legs: first })).toBe("AI1 is cancelled. The cargo gets another flight from TRV.");
  const onward = [leg(1, "TRV", "CJB", "DEPARTED"), leg(2, "CJB", "BLR", "CANCELLED")];
  expect(said({ status: "DEPARTED", current_airport: null, legs: onward })).toBe(
    "On its way to CJB. AI2 is cancelled. The cargo gets another flight from CJB.",
  );
});

it("names no flight that was replaced, and what was left behind", () => {
  const rerouted = [leg(1, "TRV", "BLR", "CANCELLED"), leg(2, "TRV", "BLR", "BOOKED")];
  expect(said({ legs: rerouted })).toBe("Booked. The cargo is expected at TRV.");
  const left = [leg(1, "TRV", "CJB", "ARRIVED"), leg(2, "CJB", "BLR", "OFFLOADED")];
  expect(said({ status: "ARRIVED", current_airport: "CJB", legs: left })).toBe(
    "The cargo did not leave with AI2. It gets another flight from CJB.",
  );
  expect(said({ legs: [leg(1, "TRV", "BLR", "RELEASED")] })).toBe("The cargo waits for a flight from TRV.");
  expect(said({ status: "CANCELLED", legs: [leg(1, "TRV", "BLR", "CANCELLED")] })).toBe("Cancelled.");
});

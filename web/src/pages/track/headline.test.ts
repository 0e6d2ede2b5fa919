import { expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { headline } from "./headline";

type Tracking = Schemas["Tracking"];
const leg = (sequence: number, origin: string, destination: string, status: string) =>
  ({ sequence, origin, destination, status, flight_number: `AI${sequence}` }) as Schemas["Leg"];
const told = (more: Partial<Tracking>) =>
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

it("tells where the cargo is while its flights lead on", () => {
  const ahead = [leg(1, "TRV", "CJB", "BOOKED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(told({ legs: ahead })).toBe("Booked. The cargo is expected at TRV.");
  const flying = [leg(1, "TRV", "CJB", "DEPARTED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(told({ status: "DEPARTED", current_airport: null, legs: flying })).toBe("On its way to CJB.");
  const landed = [leg(1, "TRV", "BLR", "ARRIVED")];
  expect(told({ status: "ARRIVED", current_airport: "BLR", at_destination: true, legs: landed })).toBe(
    "Arrived at its destination, BLR.",
  );
});

it("tells a cancelled flight first", () => {
  expect(told({ legs: [leg(1, "TRV", "BLR", "CANCELLED")] })).toBe(
    "AI1 is cancelled. The cargo gets another flight from TRV.",
  );
  const first = [leg(1, "TRV", "CJB", "CANCELLED"), leg(2, "CJB", "BLR", "BOOKED")];
  expect(told({ legs: first })).toBe("AI1 is cancelled. The cargo gets another flight from TRV.");
  const onward = [leg(1, "TRV", "CJB", "DEPARTED"), leg(2, "CJB", "BLR", "CANCELLED")];
  expect(told({ status: "DEPARTED", current_airport: null, legs: onward })).toBe(
    "On its way to CJB. AI2 is cancelled. The cargo gets another flight from CJB.",
  );
});

it("tells no flight that was replaced, and what was left behind", () => {
  const rerouted = [leg(1, "TRV", "BLR", "CANCELLED"), leg(2, "TRV", "BLR", "BOOKED")];
  expect(told({ legs: rerouted })).toBe("Booked. The cargo is expected at TRV.");
  const left = [leg(1, "TRV", "CJB", "ARRIVED"), leg(2, "CJB", "BLR", "OFFLOADED")];
  expect(told({ status: "ARRIVED", current_airport: "CJB", legs: left })).toBe(
    "The cargo did not leave with AI2. It gets another flight from CJB.",
  );
  expect(told({ legs: [leg(1, "TRV", "BLR", "RELEASED")] })).toBe("The cargo waits for a flight from TRV.");
  expect(told({ status: "CANCELLED", legs: [leg(1, "TRV", "BLR", "CANCELLED")] })).toBe("Cancelled.");
});

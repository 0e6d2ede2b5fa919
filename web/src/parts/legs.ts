// The flights of a booking that are in force, as a route line shows them.
import type { Schemas } from "../api/problem";

type Leg = Schemas["Leg"];

export interface LineLeg {
  flight_number: string;
  flight_id: string;
  origin: string;
  destination: string;
  departure_datetime: string;
  arrival_datetime: string;
  state: "ahead" | "flying" | "done";
}

const STATES: Record<string, LineLeg["state"]> = {
  BOOKED: "ahead",
  DEPARTED: "flying",
  ARRIVED: "done",
  RELEASED: "ahead",
};

/** Legs that were replaced, off-loaded or cancelled are left out; those of a cancelled booking stay, as what was planned. */
export function legStates(legs: readonly Leg[]): LineLeg[] {
  return legs
    .filter((leg) => leg.status in STATES)
    .map((leg) => ({
      flight_number: leg.flight_number,
      flight_id: leg.flight_id,
      origin: leg.origin,
      destination: leg.destination,
      departure_datetime: leg.departure_datetime,
      arrival_datetime: leg.arrival_datetime,
      state: STATES[leg.status] ?? "ahead",
    }));
}

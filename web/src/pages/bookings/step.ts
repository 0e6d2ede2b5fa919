// What staff record of a booking: what is unusual about a step, and which step can be taken back.
import type { Schemas } from "../../api/problem";
import { words } from "../../words";
import { money, span } from "../../words/format";

export const STEPS = ["depart", "arrive", "deliver"] as const;
export type Step = (typeof STEPS)[number];
type Booking = Pick<Schemas["Booking"], "legs" | "needs_rerouting" | "balance_due">;
type Leg = Schemas["Leg"];
type Flight = Pick<Schemas["Flight"], "flight_number" | "status">;
type Event = Schemas["Event"];

const HOUR = 3_600_000;
/** A step this long before its time is unusual, and one this long after it. */
const EARLY = HOUR;
const LATE = 24 * HOUR;

/** The leg that a step is about. */
export function legOf(step: Step, booking: Pick<Booking, "legs">): Leg | undefined {
  const status = { depart: "BOOKED", arrive: "DEPARTED", deliver: "ARRIVED" }[step];
  const found = booking.legs.filter((leg) => leg.status === status);
  return step === "deliver" ? found.at(-1) : found[0];
}

/** What is unusual about a step now, in sentences. `flight`: that of the leg; `null` where it is not known. */
export function unusual(step: Step, booking: Booking, flight: Flight | null, now: number): string[] {
  const said = words.booking.unusual;
  const leg = legOf(step, booking);
  const found: string[] = [];
  if (leg && step !== "deliver") {
    const [at, early, late] =
      step === "depart"
        ? [leg.departure_datetime, said.leavesIn, said.leftAgo]
        : [leg.arrival_datetime, said.landsIn, said.landedAgo];
    const ahead = Date.parse(at) - now;
    if (ahead > EARLY) found.push(early(span(ahead)));
    if (-ahead > LATE) found.push(late(span(-ahead)));
  }
  if (flight?.status === "CANCELLED") found.push(said.flightCancelled(flight.flight_number));
  if (flight && step === "depart" && (flight.status === "DEPARTED" || flight.status === "ARRIVED"))
    found.push(said.flightLeft(flight.flight_number));
  if (flight && step === "arrive" && flight.status === "SCHEDULED")
    found.push(said.flightNotLeft(flight.flight_number));
  if (booking.needs_rerouting) found.push(said.needsRerouting);
  const due = booking.balance_due;
  if (due && step !== "arrive" && Number(due.amount) > 0) found.push(said.due(money(due)));
  return found;
}

/** The last step of a booking, if staff can take it back: nothing followed it, for an hour. */
export function correctable(timeline: readonly Event[], now: number): Event | null {
  const last = timeline.at(-1);
  const isStep = last && ["DEPARTED", "ARRIVED", "DELIVERED"].includes(last.event_type);
  return isStep && now <= Date.parse(last.created_at) + HOUR ? last : null;
}

// The next step of a booking, as its legs and its state imply.
import type { Schemas } from "../../api/problem";

type Booking = Pick<
  Schemas["Booking"],
  "status" | "at_destination" | "needs_rerouting" | "current_airport" | "origin" | "destination" | "legs"
>;

export interface Step {
  kind: "depart" | "arrive" | "deliver" | "reroute" | "nothing";
  place: string;
  flight: string;
  at: string | null;
}

export function next(booking: Booking): Step {
  const none = { flight: "", at: null };
  if (booking.status === "DELIVERED" || booking.status === "CANCELLED")
    return { kind: "nothing", place: booking.destination, ...none };
  const flying = booking.legs.find((leg) => leg.status === "DEPARTED");
  if (flying)
    return { kind: "arrive", place: flying.destination, flight: flying.flight_number, at: flying.arrival_datetime };
  if (booking.at_destination) return { kind: "deliver", place: booking.destination, ...none };
  const ahead = booking.legs.find((leg) => leg.status === "BOOKED");
  const place = booking.current_airport ?? booking.origin;
  if (!ahead || (booking.needs_rerouting && ahead.origin !== place)) return { kind: "reroute", place, ...none };
  return { kind: "depart", place: ahead.origin, flight: ahead.flight_number, at: ahead.departure_datetime };
}

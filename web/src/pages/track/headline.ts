// What a shipment's tracking says first, in one sentence.
import type { Schemas } from "../../api/problem";
import { words } from "../../words";

type Tracking = Pick<
  Schemas["Tracking"],
  "status" | "origin" | "destination" | "current_airport" | "at_destination" | "legs"
>;
type Leg = Schemas["Leg"];

/** Where the cargo is, or where its flight lands. */
function placeOf(it: Tracking): string {
  const flying = it.legs.find((leg) => leg.status === "DEPARTED");
  return flying?.destination ?? it.current_airport ?? it.origin;
}

/** Whether flights lead on to the destination from where the cargo is. */
export function isLedOn(it: Tracking): boolean {
  let place = placeOf(it);
  for (const leg of inOrder(it.legs).filter(({ status }) => status === "BOOKED")) {
    if (leg.origin !== place) return false;
    place = leg.destination;
  }
  return place === it.destination;
}

const inOrder = (legs: readonly Leg[]) => [...legs].sort((a, b) => a.sequence - b.sequence);

/** `name` writes an airport in words. */
export function headline(it: Tracking, name: (code: string) => string): string {
  const { states } = words.track;
  if (it.status === "CANCELLED") return states.CANCELLED();
  if (it.status === "DELIVERED") return states.DELIVERED(name(it.destination));
  if (it.status === "ARRIVED" && it.at_destination) return states.DESTINATION(name(it.destination));
  const place = name(placeOf(it));
  const usual =
    it.status === "DEPARTED"
      ? states.DEPARTED(place)
      : it.status === "ARRIVED"
        ? states.ARRIVED(place)
        : it.status === "BOOKED"
          ? states.BOOKED(place)
          : it.status;
  if (isLedOn(it)) return usual;
  const lost = inOrder(it.legs)
    .filter(({ status }) => status === "CANCELLED" || status === "OFFLOADED")
    .pop();
  const missed = !lost
    ? words.track.noFlight(place)
    : lost.status === "CANCELLED"
      ? words.track.flightCancelled(lost.flight_number, place)
      : words.track.leftBehind(lost.flight_number, place);
  return it.status === "DEPARTED" ? `${usual} ${missed}` : missed;
}

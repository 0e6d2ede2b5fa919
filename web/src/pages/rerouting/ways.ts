// The ways on for cargo that lost its flight: from where it is, or will land, to its destination.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { airports } from "../../parts/reference.svelte";
import { addDays, localDate } from "../../words/format";

type Booking = Schemas["Booking"];
export type Way = Schemas["RouteOption"];

/** Days that are looked at. */
const DAYS = 3;
const MOST = 3;

/** Where the cargo is, or where its flight lands. */
export function placeOf(booking: Booking): string {
  const flying = booking.legs.find((leg) => leg.status === "DEPARTED");
  return booking.current_airport ?? flying?.destination ?? booking.origin;
}

/** The earliest departure: now, or after the landing. */
function earliest(booking: Booking, now: number): number {
  const flying = booking.legs.find((leg) => leg.status === "DEPARTED");
  return flying ? Math.max(now, Date.parse(flying.arrival_datetime)) : now;
}

/** Returns the best ways on that can be booked now, the earliest arrival first. */
export async function waysOn(booking: Booking, now: number): Promise<Way[]> {
  const origin = placeOf(booking);
  const from = earliest(booking, now);
  const station = await airports.find(origin);
  const first = localDate(new Date(from), station?.time_zone ?? "UTC");
  const found: Way[] = [];
  for (let day = 0; day < DAYS && found.length < MOST; day += 1) {
    const query = {
      origin,
      destination: booking.destination,
      departure_date: addDays(first, day),
      weight_kg: booking.weight_kg,
      volume_m3: booking.volume_m3,
      ...(booking.positions > 0 ? { positions: booking.positions } : {}),
      ...(booking.special_handling_codes.length > 0
        ? { special_handling_codes: booking.special_handling_codes.join(",") }
        : {}),
    };
    const { data } = await take(api.GET("/api/v1/routes", { params: { query } }));
    found.push(...data.filter((way) => way.bookable && Date.parse(way.departure_datetime) >= from));
  }
  return found.slice(0, MOST);
}

/** Replaces the flights of a booking that have not departed; fails if it was changed meanwhile. */
export async function reroute(booking: Booking, way: Way, key: Record<string, string>): Promise<Booking> {
  const { data } = await take(
    api.PATCH("/api/v1/bookings/{ref_id}", {
      params: { path: { ref_id: booking.ref_id }, header: { "If-Match": `"${booking.version}"`, ...key } },
      body: { flight_ids: way.flights.map((flight) => flight.id) },
    }),
  );
  return data;
}

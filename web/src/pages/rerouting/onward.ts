// The onward options for cargo that lost its flight: from where it is, or will land, to its destination.
import { api, raw, take } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { Lookup } from "../../parts/lookup";
import { airports } from "../../parts/reference.svelte";
import { addDays, localDate } from "../../words/format";
import type { Row } from "../bookings/bulk";
import { resultOf } from "../search/asked";

type Booking = Schemas["Booking"];
export type OnwardOption = Pick<
  Schemas["RouteOption"],
  "flights" | "bookable" | "departure_datetime" | "arrival_datetime" | "total_duration_minutes"
>;

/** Days that are looked at: as many as the server looks at for many bookings at once. */
const DAYS = 4;
const MOST = 3;
/** What was found is shared for this time by bookings that ask the same. */
const SHARED_MS = 5_000;

/** Where the cargo is, or where its flight lands. */
export function placeOf(booking: Booking): string {
  const flying = booking.legs.find((leg) => leg.status === "DEPARTED");
  return booking.current_airport ?? flying?.destination ?? booking.origin;
}

/** The earliest departure: now, or after the landing; `known`: as the server judges it, with the time that a connection takes. */
export function earliestOf(booking: Booking, now: number, known: string | null): number {
  const flying = booking.legs.find((leg) => leg.status === "DEPARTED");
  const after = known ?? flying?.arrival_datetime;
  return after === undefined ? now : Math.max(now, Date.parse(after));
}

/** The first departure that is looked at: of the flight that was lost, or else as soon as the cargo is there. */
export function startOf(booking: Booking, earliest: number, now: number): number {
  const place = placeOf(booking);
  const isAhead = (leg: Booking["legs"][number]) =>
    leg.origin === place && leg.status !== "REPLACED" && Date.parse(leg.departure_datetime) > now;
  const lost = booking.legs.find(isAhead);
  return lost ? Date.parse(lost.departure_datetime) : earliest;
}

/** Returns the options of these days that arrive first; a day that only has later ones is not looked at. */
export async function firstToArrive(
  days: readonly string[],
  dayOf: (instant: string) => string,
  look: (day: string) => Promise<OnwardOption[]>,
): Promise<OnwardOption[]> {
  let found: OnwardOption[] = [];
  for (const day of days) {
    const last = found[MOST - 1];
    if (last && dayOf(last.arrival_datetime) < day) break;
    found = [...found, ...(await look(day))].sort(
      (a, b) => Date.parse(a.arrival_datetime) - Date.parse(b.arrival_datetime),
    );
  }
  return found.slice(0, MOST);
}

/** Bookings that lost the same flight often ask the same. */
const lookup = new Lookup<OnwardOption>(
  async (query) => (await (await raw(`/api/v1/routes?${query}`)).json()) as OnwardOption[],
  {
    keptMs: SHARED_MS,
  },
);

/** The direct flights and connections of a search. */
export const optionsFound = (result: Schemas["SearchResult"]): OnwardOption[] => [
  ...result.direct_flights.map((flight) => ({
    ...flight,
    flights: [flight],
    total_duration_minutes: flight.duration_minutes,
  })),
  ...result.transit_routes,
];

/** What freight with dimensions is searched for with. */
export function bodyOf(booking: Booking, origin: string, day: string): Schemas["SearchRoutes"] {
  const { destination, weight_kg, volume_m3, positions, special_handling_codes, dimensions } = booking;
  return {
    ...{ origin, destination, departure_date: day, weight_kg, volume_m3, dimensions },
    ...(positions > 0 ? { positions } : {}),
    ...(special_handling_codes.length > 0 ? { special_handling_codes } : {}),
  };
}

async function found(booking: Booking, origin: string, day: string, isAnySize: boolean): Promise<OnwardOption[]> {
  if (!booking.dimensions || isAnySize) return (await lookup.find(queryOf(booking, origin, day))) ?? [];
  const { data } = await take(api.POST("/api/v1/routes/search", { body: bodyOf(booking, origin, day) }));
  return optionsFound(resultOf(data));
}

/**
 * Returns the best onward options that can be booked now and leave at a time or later, the earliest arrival first; with `isAnySize`
 * also those on which pieces do not fit.
 */
export async function onwardOptions(
  booking: Booking,
  from: number,
  now: number,
  isAnySize = false,
): Promise<OnwardOption[]> {
  const origin = placeOf(booking);
  // A booking that has lost no leg may miss its next flight: that one is no option.
  const missed = booking.needs_rerouting
    ? []
    : booking.legs.filter((leg) => leg.status === "BOOKED" && leg.origin === origin).map((leg) => leg.flight_id);
  const zone = (await airports.find(origin))?.time_zone ?? "UTC";
  const first = localDate(new Date(startOf(booking, from, now)), zone);
  const days = Array.from({ length: DAYS }, (_, index) => addDays(first, index));
  return firstToArrive(
    days,
    (instant) => localDate(new Date(instant), zone),
    async (day) => {
      const options = await found(booking, origin, day, isAnySize);
      return options.filter(
        (option) =>
          option.bookable &&
          Date.parse(option.departure_datetime) >= from &&
          !missed.includes(option.flights[0]?.id ?? ""),
      );
    },
  );
}

function queryOf(booking: Booking, origin: string, day: string): string {
  const query = new URLSearchParams({
    origin,
    destination: booking.destination,
    departure_date: day,
    weight_kg: String(booking.weight_kg),
    volume_m3: String(booking.volume_m3),
  });
  if (booking.positions > 0) query.set("positions", String(booking.positions));
  if (booking.special_handling_codes.length > 0)
    query.set("special_handling_codes", booking.special_handling_codes.join(","));
  return query.toString();
}

/** What the bulk action gets of a booking as it is shown: the route to try first. */
export interface Chosen {
  ref_id: string;
  /** Nothing while no route is shown for it. */
  flight_ids?: string[];
  version: number;
}

export const chosen = (booking: Booking, option: OnwardOption): Chosen => ({
  ref_id: booking.ref_id,
  flight_ids: option.flights.map((flight) => flight.id),
  version: booking.version,
});

/** What is chosen for these bookings, as they are shown: one that was changed meanwhile is refused, with or without a route. */
export const routesOf = (
  ids: readonly string[],
  shown: readonly Pick<Booking, "ref_id" | "version">[],
  first: ReadonlyMap<string, Chosen>,
): Chosen[] =>
  shown
    .filter(({ ref_id }) => ids.includes(ref_id))
    .map(({ ref_id, version }) => {
      const route = first.get(ref_id);
      return route?.version === version ? route : { ref_id, version };
    });

/** Whether a booking took another route than the one that was sent for it. */
export function tookAnother(row: Pick<Row, "id" | "flight_ids">, sent: readonly Chosen[]): boolean {
  const wanted = sent.find(({ ref_id }) => ref_id === row.id)?.flight_ids;
  return Boolean(wanted && row.flight_ids) && wanted?.join() !== row.flight_ids?.join();
}

/** Replaces the flights of a booking that have not departed; fails if it was changed meanwhile. */
export async function reroute(
  booking: Booking,
  option: OnwardOption,
  isAnySize: boolean,
  key: Record<string, string>,
): Promise<Booking> {
  const accepted = isAnySize ? { accept_oversize: true } : {};
  const { data } = await take(
    api.PATCH("/api/v1/bookings/{ref_id}", {
      params: { path: { ref_id: booking.ref_id }, header: { "If-Match": `"${booking.version}"`, ...key } },
      body: { flight_ids: option.flights.map((flight) => flight.id), ...accepted },
    }),
  );
  return data;
}

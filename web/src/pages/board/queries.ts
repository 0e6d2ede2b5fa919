// What the board reads: the flights of a station, or of all, from now on or of a day.
import { api, take, type Answer } from "../../api/client";
import type { Schemas } from "../../api/problem";
import type { paths } from "../../api/schema";

export type Flight = Schemas["Flight"];
export type Query = NonNullable<paths["/api/v1/flights"]["get"]["parameters"]["query"]>;

export interface View {
  /** Nothing: all stations. */
  station: string;
  isArrivals: boolean;
  /** The local date at the station; nothing: from now on. */
  date: string | null;
}

const HOUR_MS = 3_600_000;
/** The beginning of the hour of a moment: what the board begins with does not change each second. */
export const hourOf = (now: number): number => Math.floor(now / HOUR_MS) * HOUR_MS;
/** The moment so many hours after another one. */
const after = (moment: number, hours: number): string => new Date(moment + hours * HOUR_MS).toISOString();

/** A page of arrivals has those that land first. */
const byArrival = { sort: "arrival_datetime" } as const;

/**
 * Returns the queries whose flights make up the board, in order. From now on these are, for departures, flights of the last two
 * days that have not left yet, then those of 24 hours; for arrivals, flights in the air, then those yet to leave.
 */
export function queriesOf({ station, isArrivals, date }: View, hour: number): Query[] {
  const place = station === "" ? {} : isArrivals ? { destination: station } : { origin: station };
  if (date === null && isArrivals)
    return [
      { ...place, ...byArrival, status: "DEPARTED", departure_from: after(hour, -72) },
      { ...place, ...byArrival, status: "SCHEDULED", departure_from: after(hour, -48), departure_to: after(hour, 24) },
    ];
  if (date === null)
    return [
      { ...place, status: "SCHEDULED", departure_from: after(hour, -48), departure_to: after(hour, 0) },
      { ...place, departure_from: after(hour, 0), departure_to: after(hour, 24) },
    ];
  if (!isArrivals) return [{ ...place, departure_date: date }];
  // The day begins 14 hours before UTC's at the earliest and ends 12 hours after it at the latest.
  const noon = Date.parse(`${date}T12:00:00Z`);
  return [{ ...place, ...byArrival, arrival_from: after(noon, -26), arrival_to: after(noon, 24) }];
}

const read = (query: Query): Promise<Answer<Flight[]>> => take(api.GET("/api/v1/flights", { params: { query } }));

/**
 * Reads a page of the board. Where the flights of a query end, those of the next one follow. The cursor is that of the API, behind
 * the place of its query.
 */
export async function pageOf(view: View, hour: number, cursor?: string, ask = read): Promise<Answer<Flight[]>> {
  const [place = "0", inner] = cursor?.split(" ") ?? [];
  const rows: Flight[] = [];
  const queries = queriesOf(view, hour);
  let answer: Answer<Flight[]> | null = null;
  for (const [index, query] of queries.entries()) {
    if (index < Number(place)) continue;
    const isBegun = index === Number(place) && inner !== undefined;
    answer = await ask({ ...query, limit: 100, ...(isBegun ? { cursor: inner } : {}) });
    rows.push(...answer.data.filter((flight) => isOfDay(flight, view)));
    if (answer.next) return { ...answer, data: rows, next: `${index} ${answer.next}` };
  }
  return { etag: null, response: new Response(), ...answer, data: rows, next: null };
}

/** Arrivals of a day are chosen by the date at their own station. */
const isOfDay = (flight: Flight, { isArrivals, date }: View): boolean =>
  !isArrivals || date === null || flight.arrival_local.startsWith(date);

/** The flights as the board shows them: each once, also one that was retimed between two pages, and arrivals by their time. */
export function ordered<F extends Flight>(flights: readonly F[], isArrivals: boolean): F[] {
  const once = [...new Map(flights.map((flight) => [flight.id, flight])).values()];
  const arrival = (flight: Flight) => Date.parse(flight.arrival_datetime);
  return isArrivals ? once.sort((a, b) => arrival(a) - arrival(b)) : once;
}

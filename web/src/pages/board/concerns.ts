// What a flight of the board brings along: bookings that may miss their connection, and those that are to be rerouted.
import { api, take, takeAll, type Answer } from "../../api/client";
import type { Schemas } from "../../api/problem";
import type { Flight } from "./queries";

export type Concerns = Schemas["FlightConnections"];
/** By the id of the flight; `null`: none of its bookings needs attention. What was not read has no entry. */
export type ConcernsOf = ReadonlyMap<string, Concerns | null>;

export interface Window {
  from: string;
  to: string;
}

const HOUR_MS = 3_600_000;
/** The API looks at as many hours at once. */
const LONGEST_MS = 96 * HOUR_MS;
/** Flights that are further apart are asked about apart: the API looks at all flights between them. */
const APART_MS = 3 * HOUR_MS;

/** Returns the windows of departures that these flights are in, each as long as the API allows. */
export function windowsOf(flights: readonly Pick<Flight, "departure_datetime">[]): Window[] {
  const departures = flights.map((flight) => Date.parse(flight.departure_datetime)).sort((a, b) => a - b);
  const windows: { from: number; last: number }[] = [];
  for (const departure of departures) {
    const open = windows.at(-1);
    if (open && departure - open.last <= APART_MS && departure - open.from < LONGEST_MS) open.last = departure;
    else windows.push({ from: departure, last: departure });
  }
  // The API has microseconds.
  return windows.map(({ from, last }) => ({
    from: new Date(from).toISOString(),
    to: new Date(last + 1).toISOString(),
  }));
}

type Ask = (query: Window & { station?: string; cursor?: string }) => Promise<Answer<Concerns[]>>;
const read: Ask = (query) => take(api.GET("/api/v1/flights/connections", { params: { query } }));

/** Reads what flights bring along. `station`: where they all leave or land; nothing: anywhere. */
export async function concernsOf(flights: readonly Flight[], station: string, ask = read): Promise<ConcernsOf> {
  const found = new Map<string, Concerns | null>(flights.map((flight) => [flight.id, null]));
  for (const window of windowsOf(flights)) {
    const all = await takeAll((cursor) =>
      ask({ ...window, ...(station ? { station } : {}), ...(cursor ? { cursor } : {}) }),
    );
    for (const concerns of all) if (found.has(concerns.flight_id)) found.set(concerns.flight_id, concerns);
  }
  return found;
}

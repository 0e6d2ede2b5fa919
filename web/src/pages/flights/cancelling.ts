// Cancelling many flights: what it would do to the bookings of each, and what became of each.
import { api, take } from "../../api/client";
import { asProblem, type Problem, type Schemas } from "../../api/problem";
import type { Flight } from "./act";

/** Trials at the same time. */
const AT_ONCE = 4;

/** Whether nothing is known yet of what was tried: the same may be answered otherwise in a moment. */
const isPassing = ({ isOffline, status }: Problem): boolean => isOffline || status === 429 || status >= 500;

/** What cancelling a flight would do. */
export interface Trial {
  flight: Flight;
  /** Bookings that lose the flight. */
  bookings: number;
  /** Why it is not possible, or not known. */
  problem: Problem | null;
}

async function tryOne(flight: Flight): Promise<Trial> {
  const params = { path: { id: flight.id }, query: { dry_run: true } };
  try {
    const { data } = await take(api.POST("/api/v1/flights/{id}/cancel", { params, body: {} }));
    return { flight, bookings: data.bookings_changed, problem: null };
  } catch (error) {
    return { flight, bookings: 0, problem: asProblem(error) };
  }
}

/** Tries to cancel each flight, without doing it; in the order given. Begins no more trials once nobody waits for them. */
export async function tryAll(flights: readonly Flight[], isWanted: () => boolean, attempt = tryOne): Promise<Trial[]> {
  const trials: Trial[] = [];
  const waiting = [...flights.entries()];
  const run = async (): Promise<void> => {
    for (let next = waiting.shift(); next && isWanted(); next = waiting.shift())
      trials[next[0]] = await attempt(next[1]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return trials;
}

export interface Sum {
  flights: number;
  bookings: number;
  refused: number;
}

/** The flights that can be cancelled: no others are sent. */
export const possibleOf = (trials: readonly Trial[]): Flight[] =>
  trials.filter(({ problem }) => !problem).map(({ flight }) => flight);

/** The trials that are to be made again. */
export const unknownOf = (trials: readonly Trial[]): Trial[] =>
  trials.filter(({ problem }) => problem !== null && isPassing(problem));

/** The flights that can be cancelled with the bookings that lose them, and those that cannot. */
export function sumOf(trials: readonly Trial[]): Sum {
  const possible = possibleOf(trials).length;
  return {
    flights: possible,
    bookings: trials.reduce((sum, trial) => sum + trial.bookings, 0),
    refused: trials.length - possible - unknownOf(trials).length,
  };
}

type Header = { "Idempotency-Key": string };

export async function cancelAll(ids: string[], reason: string, header: Header): Promise<Schemas["BulkRow"][]> {
  const body = { action: "cancel" as const, ids, ...(reason ? { params: { reason } } : {}) };
  return (await take(api.POST("/api/v1/flights/bulk", { params: { header }, body }))).data.results;
}

// Which bookings the page of rerouting lists: all that are to be rerouted, or those of a flight that need attention.
import { api, take, type Answer } from "../../api/client";
import type { Schemas } from "../../api/problem";

export type Concern = "AT_RISK" | "TO_REROUTE";
export type Listed = Pick<Schemas["ConcernedBooking"], "booking" | "at_risk" | "earliest_departure_datetime">;

const CONCERNS: readonly Concern[] = ["AT_RISK", "TO_REROUTE"];
const PAGE = 100;

/** The concern that an address names; nothing: both. */
export const concernOf = (named: string | null): Concern | null => CONCERNS.find((one) => one === named) ?? null;

/** Reads a page of the bookings of a flight that need attention; without a flight, of all that are to be rerouted. */
export async function pageOf(
  flight: string | null,
  concern: Concern | null,
  cursor?: string,
): Promise<Answer<Listed[]>> {
  const part = { limit: PAGE, ...(cursor ? { cursor } : {}) };
  if (flight !== null)
    return take(
      api.GET("/api/v1/flights/{id}/connections", {
        params: { path: { id: flight }, query: { ...part, ...(concern ? { concern } : {}) } },
      }),
    );
  const answer = await take(api.GET("/api/v1/bookings", { params: { query: { ...part, needs_rerouting: true } } }));
  return {
    ...answer,
    data: answer.data.map((booking) => ({ booking, at_risk: null, earliest_departure_datetime: null })),
  };
}

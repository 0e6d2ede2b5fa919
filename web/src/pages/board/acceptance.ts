// By when the station of the board takes general freight: freight for which no rule of its own stands.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";

export type Rule = Schemas["StationAcceptance"];
type Times = Pick<Schemas["Flight"], "departure_datetime" | "cutoff_datetime">;

const GENERAL = "GENERAL";
const MINUTE_MS = 60_000;

/** Minutes before departure: the longest rule for general freight; without one, nothing. */
export function generalMinutes(rules: readonly Rule[]): number | null {
  const general = rules.filter((rule) => (rule.product ?? GENERAL) === GENERAL && rule.handling_code === null);
  return general.length > 0 ? Math.max(...general.map((rule) => rule.minutes_before)) : null;
}

/** The last moment at which the station takes general freight for a flight: never after the cut-off. */
export const latestOf = (flight: Times, minutes: number): number =>
  Math.min(Date.parse(flight.cutoff_datetime), Date.parse(flight.departure_datetime) - minutes * MINUTE_MS);

/** Reads it of a station. */
export async function readMinutes(code: string): Promise<number | null> {
  const station = await take(api.GET("/api/v1/stations/{code}", { params: { path: { code } } }));
  return generalMinutes(station.data.acceptance);
}

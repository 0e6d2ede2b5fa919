// The days on which something leaves, with what can be booked on each.
import { raw } from "../../api/client";
import type { Space } from "../../parts/capacity";
import { searchBody, type Asked } from "./asked";

export interface Day {
  departure_date: string;
  options: number;
  bookable: number;
  best_arrival_datetime: string | null;
  available: Space | null;
  utilization_percent: number | null;
}

/** The address of the API for `days` days (at most 14) from a date on, for the lane and freight of a search. */
export function daysAddress(asked: Asked, from: string, days: number): string {
  const { origin, destination } = asked;
  const query = new URLSearchParams({ origin, destination, from, days: String(days) });
  const freight = searchBody(asked);
  for (const name of ["weight_kg", "volume_m3", "pieces", "special_handling_codes"] as const)
    if (freight[name] !== undefined) query.set(name, String(freight[name]));
  return `/api/v1/routes/days?${query.toString()}`;
}

export const readDays = async (address: string): Promise<Day[]> => (await (await raw(address)).json()) as Day[];

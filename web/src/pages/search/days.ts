// The days on which something leaves, with what can be booked on each.
import { raw } from "../../api/client";
import type { Schemas } from "../../api/problem";
import type { Space } from "../../parts/capacity";
import { searchBody, type Asked } from "./asked";

export interface Day {
  departure_date: string;
  options: number;
  bookable: number;
  best_arrival_datetime: string | null;
  available: Space | null;
  utilization_percent: number | null;
  /** Only where prices were asked for; null: it cannot be booked as asked, or no rate applies. */
  price?: Schemas["Money"] | null;
  is_cheapest?: boolean;
}

function addressOf(asked: Asked, which: Record<string, string>): string {
  const { origin, destination } = asked;
  const query = new URLSearchParams({ origin, destination, ...which });
  const freight = searchBody(asked);
  for (const name of ["weight_kg", "volume_m3", "pieces", "special_handling_codes"] as const)
    if (freight[name] !== undefined) query.set(name, String(freight[name]));
  return `/api/v1/routes/days?${query.toString()}`;
}

/** The address of the API for `days` days (at most 31) from a date on, for the lane and freight of a search. */
export const daysAddress = (asked: Asked, from: string, days: number, isPriced = false): string =>
  addressOf(asked, { from, days: String(days), ...(isPriced ? { price: "true" } : {}) });

/** The address of the API for the days of a month such as `2026-12`, with prices. */
export const monthAddress = (asked: Asked, month: string): string => addressOf(asked, { month, price: "true" });

export const readDays = async (address: string): Promise<Day[]> => (await (await raw(address)).json()) as Day[];

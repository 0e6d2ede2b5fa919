// The address of the list with the bookings that a bar counts.
import { airports } from "../../../parts/reference.svelte";
import { addDays, instantOf } from "../../../words/format";
import type { Asked } from "./asked";

interface Bar {
  /** First and last local date of the origin. */
  from: string;
  to: string;
  origin?: string;
  destination?: string;
  status?: "DELIVERED";
}

/**
 * Returns the address, or nothing where the list has no such filter. Dates are those of the origin; without one, whose clock is not
 * known, they are taken as dates of UTC.
 */
export function bookingsOf(asked: Asked, bar: Bar): string | undefined {
  if (asked.airline) return undefined;
  const [origin, destination] = [bar.origin ?? asked.origin, bar.destination ?? asked.destination];
  // Another clock would list other bookings.
  if (origin && !airports.isSettled(origin)) return undefined;
  const zone = airports.zone(origin);
  // Some clocks skip midnight in spring: that day begins at one.
  const midnight = (date: string) => (instantOf(date, "00:00", zone) ?? instantOf(date, "01:00", zone))?.toISOString();
  const dates =
    zone === "UTC"
      ? { created_from: bar.from, created_to: bar.to }
      : { created_from: midnight(bar.from), created_to: midnight(addDays(bar.to, 1)) };
  const filters = Object.entries({ origin, destination, status: bar.status, ...dates });
  return `/bookings?${new URLSearchParams(filters.filter((it): it is [string, string] => Boolean(it[1])))}`;
}

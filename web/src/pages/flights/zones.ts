// The clocks that times of a flight are entered by.
import { Problem } from "../../api/problem";
import { airports } from "../../parts/reference.svelte";
import { words } from "../../words";

/** Reads the zones of airports by their codes, in their order; a problem names those that cannot be read. */
export async function zonesOf(codes: readonly string[]): Promise<string[]> {
  const found = await Promise.all(codes.map((code) => airports.find(code)));
  const unread = codes.filter((_, index) => !found[index]);
  if (unread.length === 0) return found.map((airport) => airport?.time_zone ?? "");
  const detail = words.flights.noClock(unread.join(", "));
  throw new Problem({ status: 0, code: "airport_unread", title: detail, detail });
}

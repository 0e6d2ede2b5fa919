// When bookings were made, as the address of their list says it: a date of UTC, or an instant, as reports link to it.
import { addDays } from "../../words/format";

export type Bound = "created_from" | "created_to";

const isInstant = (text: string): boolean => text.includes("T") && !Number.isNaN(Date.parse(text));

/** The instant that the API takes: the end, which it leaves out, is after the whole last date. */
export function instantOf(bound: Bound, text: string | null): string | undefined {
  if (!text) return undefined;
  return isInstant(text) ? text : `${addDays(text, bound === "created_to" ? 1 : 0)}T00:00:00Z`;
}

/** The date that a field shows. */
export function dateOf(bound: Bound, text: string | null): string {
  if (!text || !isInstant(text)) return text ?? "";
  return new Date(Date.parse(text) - (bound === "created_to" ? 1 : 0)).toISOString().slice(0, 10);
}

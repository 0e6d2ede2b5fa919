// What a booking, or a template, has besides its lane and freight, for a booking like it: kept in this tab, for the person who chose it.
import type { Schemas } from "../api/problem";
import { store, stored } from "../stored";

const NAME = "loadmaster.again";

export interface Again {
  /** The id of the user who chose it. */
  person: string | null;
  /** Nothing for a template that is of any lane from, or to, wherever. */
  origin: string | null;
  destination: string | null;
  description: string | null;
  shipper: Schemas["Party"] | null;
  consignee: Schemas["Party"] | null;
  contact: { name: string; email: string; phone: string } | null;
  /** Nothing for the product that is meant without one. */
  product: string | null;
}

/** What was chosen in this tab, with the mark that an address names it by: a search that is still open has its own. */
interface Kept {
  last: number;
  chosen: Record<string, Again>;
}

/** So many are kept. */
const MOST = 5;

const kept = (): Kept => {
  const found = stored<Partial<Kept>>("sessionStorage", NAME);
  return { last: found?.last ?? 0, chosen: found?.chosen ?? {} };
};

/** Keeps what was chosen; returns its mark for `AGAIN`. */
export function keepAgain(again: Again): string {
  const { last, chosen } = kept();
  const mark = String(last + 1);
  const newest = Object.entries(chosen).slice(1 - MOST);
  store("sessionStorage", NAME, { last: last + 1, chosen: { ...Object.fromEntries(newest), [mark]: again } });
  return mark;
}

/** The parameter of an address that a booking is made again by: the mark of what was chosen. Any other booking is one of its own. */
export const AGAIN = "again";

/** Returns what this person chose to book, if an address is of that and of its lane. */
export function againFor(person: string | null, address: URLSearchParams): Again | null {
  const found = kept().chosen[address.get(AGAIN) ?? ""];
  if (found?.person !== person) return null;
  const fits = (end: "origin" | "destination") => found[end] === null || found[end] === address.get(end);
  return fits("origin") && fits("destination") ? found : null;
}

/** Forgets all that was chosen; marks of before stay without meaning. */
export const forgetAgain = (): void => store("sessionStorage", NAME, { last: kept().last, chosen: {} });

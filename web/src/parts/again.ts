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

export const keepAgain = (again: Again): void => store("sessionStorage", NAME, again);

/** The parameter of an address, `1`, that a booking is made again by. A booking at any other address is one of its own. */
export const AGAIN = "again";

/** Returns what this person chose to book, if an address is of that and of its lane. */
export function againFor(person: string | null, address: URLSearchParams): Again | null {
  const kept = stored<Again>("sessionStorage", NAME);
  if (!kept || !address.has(AGAIN) || kept.person !== person) return null;
  const fits = (end: "origin" | "destination") => kept[end] === null || kept[end] === address.get(end);
  return fits("origin") && fits("destination") ? kept : null;
}

export const forgetAgain = (): void => store("sessionStorage", NAME, null);

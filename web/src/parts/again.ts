// What a booking has besides its lane and freight, for another booking like it: kept in this tab, for the person who chose it.
import type { Schemas } from "../api/problem";
import { store, stored } from "../stored";

const NAME = "loadmaster.again";

export interface Again {
  /** The id of the user who chose the booking. */
  person: string | null;
  origin: string;
  destination: string;
  description: string | null;
  shipper: Schemas["Party"] | null;
  consignee: Schemas["Party"] | null;
  contact: { name: string; email: string; phone: string } | null;
  /** Nothing for the product that is meant without one. */
  product: string | null;
}

export const keepAgain = (again: Again): void => store("sessionStorage", NAME, again);

/** Returns what this person chose to book again, if it was on this lane. */
export function againFor(person: string | null, origin: string | null, destination: string | null): Again | null {
  const kept = stored<Again>("sessionStorage", NAME);
  return kept?.person === person && kept.origin === origin && kept.destination === destination ? kept : null;
}

export const forgetAgain = (): void => store("sessionStorage", NAME, null);

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

/** The parameter of an address, `1`, that a booking is made again by. A booking at any other address is one of its own. */
export const AGAIN = "again";

/** Returns what this person chose to book again, if an address is of that and of its lane. */
export function againFor(person: string | null, address: URLSearchParams): Again | null {
  const kept = stored<Again>("sessionStorage", NAME);
  const isMeant =
    address.has(AGAIN) &&
    kept?.person === person &&
    kept.origin === address.get("origin") &&
    kept.destination === address.get("destination");
  return isMeant ? kept : null;
}

export const forgetAgain = (): void => store("sessionStorage", NAME, null);

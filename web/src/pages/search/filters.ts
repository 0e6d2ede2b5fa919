// Which options are shown. The filters live in the address, in the same form for readers of every language: figures with a point,
// instants in UTC.
import { AGAIN } from "../../parts/again";
import { addressedNumber } from "../../words/parse";
import type { Asked } from "./asked";
import { currencyOf, type Option } from "./options";

export interface Filters {
  /** The code of the airline that flies all of it; empty: any. */
  carrier: string;
  isDirect: boolean;
  /** As the address has them; empty: any. */
  maxPrice: string;
  before: string;
}

/** The parameters of the address. */
export const NONE = { carrier: null, direct: null, max_price: null, arrive_before: null } as const;

export function filtersOf(query: URLSearchParams): Filters {
  const get = (name: keyof typeof NONE) => query.get(name) ?? "";
  return {
    carrier: get("carrier").toUpperCase(),
    isDirect: get("direct") === "true",
    maxPrice: get("max_price"),
    before: get("arrive_before"),
  };
}

/** The instant of an address, such as `2026-12-02T12:30:00Z`; nothing for any other text. */
export function instant(text: string): number | null {
  const millis = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(millis) ? null : millis;
}

/** The instant as addresses have it. */
export const instantText = (at: string | null): string | null => at && at.replace(/\.\d+Z$/, "Z");

/**
 * What is neither a figure nor an instant filters nothing: its field shows the fault. A price is compared where options
 * have prices; an option without one then has none to compare.
 */
export function passing(options: readonly Option[], filters: Filters, currency: string): Option[] {
  const most = currency === "" ? null : addressedNumber(filters.maxPrice);
  const before = instant(filters.before);
  return options.filter(
    ({ flights, stops, price, arrival }) =>
      (filters.carrier === "" || flights.every((flight) => flight.airline_code === filters.carrier)) &&
      (!filters.isDirect || stops === 0) &&
      (most === null || (price?.total.currency === currency && Number(price.total.amount) <= most)) &&
      (before === null || Date.parse(arrival) < before),
  );
}

const FREIGHT = ["weight", "volume", "pieces", "handling", "sizes"] as const;

/** The filters that mean nothing for another search: prices and carriers of other routes and freight, arrivals of another day. */
export function outdated(before: Asked, after: Asked): Partial<Record<keyof typeof NONE | typeof AGAIN, null>> {
  const isSameRoute = before.origin === after.origin && before.destination === after.destination;
  if (!isSameRoute) {
    // A lane that was open, as that of a template, is completed.
    const isCompleted = (["origin", "destination"] as const).every((end) => ["", after[end]].includes(before[end]));
    const gone = { carrier: NONE.carrier, max_price: NONE.max_price, arrive_before: NONE.arrive_before };
    return isCompleted ? gone : { ...gone, [AGAIN]: null };
  }
  const isSameFreight = FREIGHT.every((name) => before[name] === after[name]);
  return {
    ...(isSameFreight ? {} : { max_price: NONE.max_price }),
    ...(before.date === after.date ? {} : { arrive_before: NONE.arrive_before }),
  };
}

/** The airlines that fly options, by code. */
export function carriersOf(options: readonly Option[]): { value: string; label: string }[] {
  const names = new Map(
    options.flatMap(({ flights }) =>
      flights.map((flight): [string, string] => [
        flight.airline_code,
        flight.airline_name ? `${flight.airline_code} · ${flight.airline_name}` : flight.airline_code,
      ]),
    ),
  );
  return [...names].map(([value, label]) => ({ value, label })).sort((a, b) => (a.value < b.value ? -1 : 1));
}

/** The currency in which prices are compared: the first by its code, as `GET /routes` orders them; empty without a price. */
export const comparedCurrency = (options: readonly Option[]): string =>
  options
    .map(currencyOf)
    .filter((code) => code !== "")
    .sort()[0] ?? "";

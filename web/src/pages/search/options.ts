// Direct flights and connections as one kind of option, and why one cannot be booked, in words.
import type { Schemas } from "../../api/problem";
import { fillings, quantity, type Dimension, type Filling } from "../../parts/capacity";
import { words } from "../../words";

type Flight = Schemas["Flight"];
type SearchResult = Schemas["SearchResult"];
type Price = Schemas["RoutePrice"];

export interface Option {
  key: string;
  flights: Flight[];
  stops: number;
  minutes: number;
  departure: string;
  arrival: string;
  bookable: boolean;
  reasons: string[];
  /** With the reason `too_large`: the API's sentence about it. */
  tooLarge?: string | undefined;
  /** By when the station of the first flight takes the freight, if it says so. */
  latestAcceptance: string | null;
  emissions: Schemas["Emissions"] | null;
  price: Price | null | undefined;
}

export function optionsOf(result: SearchResult): Option[] {
  const direct = result.direct_flights.map((flight) => ({
    key: flight.id,
    flights: [flight],
    stops: 0,
    minutes: flight.duration_minutes,
    departure: flight.departure_datetime,
    arrival: flight.arrival_datetime,
    bookable: flight.bookable,
    reasons: flight.reasons,
    tooLarge: flight.too_large,
    latestAcceptance: flight.latest_acceptance_datetime,
    emissions: flight.emissions,
    price: flight.price,
  }));
  return [...direct, ...result.transit_routes.map(optionOf)];
}

export function optionOf(route: Schemas["RouteOption"]): Option {
  return {
    key: route.flights.map((flight) => flight.id).join(","),
    flights: route.flights,
    stops: route.stops,
    minutes: route.total_duration_minutes,
    departure: route.departure_datetime,
    arrival: route.arrival_datetime,
    bookable: route.bookable,
    reasons: route.reasons,
    tooLarge: route.too_large,
    latestAcceptance: route.latest_acceptance_datetime,
    emissions: route.emissions,
    price: route.price,
  };
}

/** The names of the airlines that fly an option, in order of its flights; the code of one without a name. */
export const carriers = (option: Option): string =>
  [...new Set(option.flights.map((flight) => flight.airline_name ?? flight.airline_code))].join(", ");

/** The fullest dimension of all flights of an option: the room that decides. */
export const tightest = (option: Option): Filling | undefined =>
  option.flights
    .flatMap((flight) => fillings(flight.capacity, flight.available))
    .sort((a, b) => b.percent - a.percent)[0];

/** The currency of the price of an option; empty without one. */
export const currencyOf = (option: Option): string => option.price?.total.currency ?? "";

/** The lowest price of what can be booked, in the first currency by its code; nothing without any. */
export function lowestPrice(options: readonly Option[]): Price["total"] | null {
  const totals = options.flatMap(({ bookable, price }) => (bookable && price ? [price.total] : []));
  const [first] = totals.toSorted(
    (a, b) => a.currency.localeCompare(b.currency) || Number(a.amount) - Number(b.amount),
  );
  return first ?? null;
}

/** What each unit of this gross weight costs, with the decimals of the total; nothing without a weight. */
export function perUnit(total: Price["total"], weight: number): Price["total"] | null {
  if (weight <= 0) return null;
  const decimals = total.amount.split(".")[1]?.length ?? 0;
  return { ...total, amount: (Number(total.amount) / weight).toFixed(decimals) };
}

/** The columns by which options can be ordered, and what of an option counts; nothing stands last in both directions. */
export const ORDERS = {
  departure: (option: Option) => Date.parse(option.departure),
  arrival: (option: Option) => Date.parse(option.arrival),
  duration: (option: Option) => option.minutes,
  stops: (option: Option) => option.stops,
  carrier: carriers,
  price: (option: Option) => (option.price ? Number(option.price.total.amount) : null),
  emissions: (option: Option) => option.emissions?.co2e_kg ?? null,
  room: leastWeight,
} as const;
export type Column = keyof typeof ORDERS;

export interface Order {
  column: Column;
  isDescending: boolean;
}

/** `price`, or `-price` for the highest first. */
export function orderOf(text: string | null): Order {
  const name = text?.replace(/^-/, "") ?? "";
  if (!Object.hasOwn(ORDERS, name)) return { column: "arrival", isDescending: false };
  return { column: name as Column, isDescending: text?.startsWith("-") ?? false };
}
export const orderText = (order: Order): string => `${order.isDescending ? "-" : ""}${order.column}`;

function compared(a: string | number | null, b: string | number | null): number {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b);
  return Number(a) - Number(b);
}

/** Bookable options first, then by the order that was asked for; ties as `GET /routes` breaks them. */
export function sorted(options: readonly Option[], { column, isDescending }: Order): Option[] {
  const keyed = options.map((option) => ({ option, key: ORDERS[column](option) }));
  const direction = isDescending ? -1 : 1;
  return keyed
    .sort(
      (a, b) =>
        Number(b.option.bookable) - Number(a.option.bookable) ||
        Number(a.key === null) - Number(b.key === null) ||
        // Amounts of several currencies are not compared: they stand together, by the code of the currency.
        (column === "price" ? currencyOf(a.option).localeCompare(currencyOf(b.option)) : 0) ||
        direction * compared(a.key, b.key) ||
        Date.parse(a.option.arrival) - Date.parse(b.option.arrival) ||
        a.option.stops - b.option.stops ||
        a.option.minutes - b.option.minutes ||
        (a.option.key < b.option.key ? -1 : 1),
    )
    .map(({ option }) => option);
}

interface Wanted {
  weight_kg?: number | null;
  volume_m3?: number | null;
  positions?: number | null;
}

const EXCEEDED: Record<string, Dimension> = {
  weight_exceeded: "weight_kg",
  volume_exceeded: "volume_m3",
  positions_exceeded: "positions",
};

/** The reasons in words: each names its flight and, where it is about room, both quantities. */
export function explained(option: Option, wanted: Wanted, now: number): string[] {
  return option.reasons.flatMap((reason) => {
    const dimension = EXCEEDED[reason];
    if (dimension) return missingRoom(option, dimension, wanted[dimension] ?? defaulted(dimension, wanted));
    // Its pieces have a sentence of their own.
    if (reason === "too_large") return [];
    const sentence = (words.search.reasons as Record<string, (flight: string) => string>)[reason];
    if (!sentence) return [reason];
    return concerned(option, reason, now).map((flight) => sentence(flight.flight_number));
  });
}

function missingRoom(option: Option, dimension: Dimension, asked: number): string[] {
  const tight = option.flights.filter((flight) => flight.available[dimension] < asked);
  const flights = tight.length > 0 ? tight : option.flights.slice(0, 1);
  return flights.map((flight) =>
    words.search.has(
      flight.flight_number,
      quantity(dimension, Math.max(0, flight.available[dimension])),
      quantity(dimension, asked),
    ),
  );
}

function concerned(option: Option, reason: string, now: number): Flight[] {
  const flights = option.flights.filter((flight) => {
    if (reason === "cutoff_passed") return Date.parse(flight.cutoff_datetime) <= now;
    if (reason === "cargo_aircraft_only") return !flight.is_freighter;
    return true;
  });
  return flights.length > 0 ? flights : option.flights;
}

/** The volume that a booking of a weight defaults to: 166.667 kg per m³, rounded up to a litre. */
function defaulted(dimension: Dimension, wanted: Wanted): number {
  if (dimension !== "volume_m3" || !wanted.weight_kg) return 0;
  return Math.ceil((wanted.weight_kg / 166.667) * 1000) / 1000;
}

/**
 * Whether waiting can help: room alone is missing, each flight could hold the freight, and offers are still made.
 * `closesMinutes` before a cut-off they end.
 */
export function mayWait(option: Option, wanted: Wanted, now: number, closesMinutes: number): boolean {
  const isShort = option.reasons.length > 0 && option.reasons.every((reason) => reason in EXCEEDED);
  return (
    isShort &&
    option.flights.every(
      (flight) =>
        flight.status === "SCHEDULED" &&
        Date.parse(flight.cutoff_datetime) - now > closesMinutes * 60_000 &&
        Object.values(EXCEEDED).every(
          (dimension) => (wanted[dimension] ?? defaulted(dimension, wanted)) <= flight.capacity[dimension],
        ),
    )
  );
}

/** The weight that every flight of an option still takes. */
export function leastWeight(option: Option): number {
  return Math.max(0, Math.min(...option.flights.map((flight) => flight.available.weight_kg)));
}

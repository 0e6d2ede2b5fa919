// A flight to be created, as it is entered: from nothing, or as a copy of another one.
import type { Schemas } from "../../api/problem";
import { addDays, fromLocal, localTime } from "../../words/format";
import { entry, figure } from "../../words/parse";
import { weightEntry, weightFigure } from "../../words/units";
import type { Flight } from "./act";

/** What the fields hold. Times are by the clocks of their stations, figures as their reader types them. */
export interface Draft {
  number: string;
  origin: string;
  destination: string;
  departure: string;
  arrival: string;
  aircraft: string;
  weight: string;
  volume: string;
  positions: string;
  cutoff: string;
}

/** Zones of the clocks at both ends. */
export interface Zones {
  origin: string;
  destination: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const nothing = (): Draft => ({
  number: "",
  origin: "",
  destination: "",
  departure: "",
  arrival: "",
  aircraft: "",
  weight: "",
  volume: "",
  positions: "",
  cutoff: "",
});

const later = (local: string, days: number): string => `${addDays(local.slice(0, 10), days)}${local.slice(10)}`;

/** The same flight a day after its scheduled date: what it carries and its cut-off are as they are now. */
export function copyOf(flight: Flight, zones: Zones): Draft {
  const { weight_kg, volume_m3, positions } = flight.physical_capacity;
  const closes = Date.parse(flight.departure_datetime) - Date.parse(flight.cutoff_datetime);
  return {
    number: flight.flight_number,
    origin: flight.origin,
    destination: flight.destination,
    departure: later(localTime(flight.scheduled_departure_datetime, zones.origin), 1),
    arrival: later(localTime(flight.scheduled_arrival_datetime, zones.destination), 1),
    aircraft: flight.aircraft_code ?? "",
    weight: weightEntry(weight_kg),
    volume: entry(volume_m3),
    positions: entry(positions),
    cutoff: entry(Math.round(closes / MINUTE_MS)),
  };
}

/** The arrival of a flight whose departure was entered anew: as many days later as the departure is. */
export function arrivalWith(departure: string, before: Pick<Draft, "departure" | "arrival">): string {
  const days = (Date.parse(departure.slice(0, 10)) - Date.parse(before.departure.slice(0, 10))) / DAY_MS;
  return before.arrival && Number.isFinite(days) ? later(before.arrival, days) : before.arrival;
}

/** Whether a time is entered that the station's clock skips. */
export const isSkipped = (local: string, zone: string): boolean => local !== "" && fromLocal(local, zone) === null;

/** The body of `POST /flights`. What is missing or no figure is for the API, which refuses it and names the field. */
export function bodyOf(draft: Draft, zones: Zones): Schemas["CreateFlight"] {
  const capacity = {
    weight_kg: weightFigure(draft.weight),
    volume_m3: figure(draft.volume),
    positions: figure(draft.positions),
  };
  const isGiven = Object.values(capacity).some((value) => value !== undefined);
  const body = {
    flight_number: draft.number.trim() || null,
    origin: draft.origin || null,
    destination: draft.destination || null,
    departure_datetime: draft.departure ? fromLocal(draft.departure, zones.origin) : null,
    arrival_datetime: draft.arrival ? fromLocal(draft.arrival, zones.destination) : null,
    aircraft_code: draft.aircraft || null,
    ...(isGiven ? { capacity } : {}),
    cutoff_minutes: figure(draft.cutoff) ?? null,
  };
  return body as Schemas["CreateFlight"];
}

// A flight to be created, as it is entered: from nothing, or as a copy of another one.
import type { Schemas } from "../../api/problem";
import { addDays, fromLocal, localTime } from "../../words/format";
import { entry, figure } from "../../words/parse";
import { weightEntry, weightFigure, type WeightUnit } from "../../words/units";
import type { Flight } from "./act";

/** What the fields hold. Times are by the clocks of their stations, figures as their reader types them. */
export interface Draft {
  number: string;
  origin: string;
  destination: string;
  departure: string;
  arrival: string;
  /** The last departure that was a time: the arrival follows its date. */
  followed: string;
  aircraft: string;
  weight: string;
  volume: string;
  positions: string;
  cutoff: string;
}

/** Zones of the clocks at both ends; nothing of an airport that is not known: no time is read by another clock. */
export interface Zones {
  origin: string | null;
  destination: string | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const nothing = (): Draft => ({
  number: "",
  origin: "",
  destination: "",
  departure: "",
  arrival: "",
  followed: "",
  aircraft: "",
  weight: "",
  volume: "",
  positions: "",
  cutoff: "",
});

const later = (local: string, days: number): string => `${addDays(local.slice(0, 10), days)}${local.slice(10)}`;

/** The same flight a day after its scheduled date: what it carries and its cut-off are as they are now. */
export function copyOf(flight: Flight, zones: { origin: string; destination: string }, unit: WeightUnit): Draft {
  const { weight_kg, volume_m3, positions } = flight.physical_capacity;
  const closes = Date.parse(flight.departure_datetime) - Date.parse(flight.cutoff_datetime);
  const departure = later(localTime(flight.scheduled_departure_datetime, zones.origin), 1);
  return {
    number: flight.flight_number,
    origin: flight.origin,
    destination: flight.destination,
    departure,
    followed: departure,
    arrival: later(localTime(flight.scheduled_arrival_datetime, zones.destination), 1),
    aircraft: flight.aircraft_code ?? "",
    weight: weightEntry(weight_kg, unit),
    volume: entry(volume_m3),
    positions: entry(positions),
    cutoff: entry(Math.round(closes / MINUTE_MS)),
  };
}

type Times = Pick<Draft, "departure" | "arrival" | "followed">;

/** The times after another departure was entered: the arrival is as many days later as the departure is. */
export function withDeparture(departure: string, { arrival, followed }: Times): Times {
  // A field is empty while a part of it is, and its year begins with zeros while it is typed.
  if (departure < "1000") return { departure, arrival, followed };
  const days = (Date.parse(departure.slice(0, 10)) - Date.parse(followed.slice(0, 10))) / DAY_MS;
  return {
    departure,
    arrival: arrival && Number.isFinite(days) ? later(arrival, days) : arrival,
    followed: departure,
  };
}

/** Whether a time is entered that the station's clock skips. */
export const isSkipped = (local: string, zone: string | null): boolean =>
  local !== "" && zone !== null && fromLocal(local, zone) === null;

const instantAt = (local: string, zone: string | null): string | null =>
  local !== "" && zone !== null ? fromLocal(local, zone) : null;

/** The body of `POST /flights`. What is missing or no figure is for the API, which refuses it and names the field. */
export function bodyOf(draft: Draft, zones: Zones, unit: WeightUnit): Schemas["CreateFlight"] {
  const capacity = {
    weight_kg: weightFigure(draft.weight, unit),
    volume_m3: figure(draft.volume),
    positions: figure(draft.positions),
  };
  const isGiven = Object.values(capacity).some((value) => value !== undefined);
  const body = {
    flight_number: draft.number.trim() || null,
    origin: draft.origin || null,
    destination: draft.destination || null,
    departure_datetime: instantAt(draft.departure, zones.origin),
    arrival_datetime: instantAt(draft.arrival, zones.destination),
    aircraft_code: draft.aircraft || null,
    ...(isGiven ? { capacity } : {}),
    cutoff_minutes: figure(draft.cutoff) ?? null,
  };
  return body as Schemas["CreateFlight"];
}

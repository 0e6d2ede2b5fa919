// What staff do with a flight: the request of each action, tried first and then done.
import { api, take, type Answer } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { fromLocal, localTime } from "../../words/format";
import { entry, figure } from "../../words/parse";

export type Flight = Schemas["Flight"];
export type Preview = Schemas["FlightPreview"];
export type Verb = "depart" | "arrive" | "retime" | "swap" | "offload" | "overbook" | "cancel";
/** The percentages of a flight's overbooking, as the API names them. */
export const PERCENTAGES = ["weight_percent", "volume_percent", "positions_percent"] as const;
/** As they are typed. */
export type Percentages = Record<(typeof PERCENTAGES)[number], string>;

/** What is entered for an action. */
export interface Entered {
  /** Instants, in retimings; nothing where the flight keeps its own. */
  departure: string | null;
  arrival: string | null;
  aircraft: string;
  reason: string;
  overbooking: Percentages;
  /** Bookings to leave behind, each with its reason. */
  left: Record<string, "NO_SHOW" | "OFFLOADED">;
  /** Whether pieces stay that pass through no door of another aircraft. */
  acceptsOversize: boolean;
}

/** What of a flight a member of the staff may do besides its departure and arrival. */
export interface Rights {
  /** Times, aircraft and cargo. */
  change: boolean;
  /** What is sold: overbooking, and cancelling. */
  sell: boolean;
}

/** The rights of a role, at a server with these features. */
export const rightsOf = (isAdmin: boolean, features: readonly string[]): Rights => ({
  change: isAdmin || features.includes("operators_change_flights"),
  sell: isAdmin,
});

/** The actions that a flight allows somebody. */
export function possible(flight: Pick<Flight, "status">, may: Rights): Verb[] {
  if (flight.status === "SCHEDULED") {
    const changes: Verb[] = may.change ? ["retime", "swap", "offload"] : [];
    const sales: Verb[] = may.sell ? ["overbook", "cancel"] : [];
    return ["depart", ...changes, ...sales];
  }
  if (flight.status === "DEPARTED") return may.change ? ["arrive", "retime"] : ["arrive"];
  return [];
}

/** The percentages of a flight, to be typed over. */
export function percentagesOf(flight: Pick<Flight, "overbooking">): Percentages {
  const { weight_percent, volume_percent, positions_percent } = flight.overbooking;
  return {
    weight_percent: entry(weight_percent),
    volume_percent: entry(volume_percent),
    positions_percent: entry(positions_percent),
  };
}

/** What was entered as a time at a station; no instant where that is still the flight's own. */
export function instantEntered(text: string, own: string, zone: string): { instant: string | null; isFaulty: boolean } {
  if (text === localTime(own, zone)) return { instant: null, isFaulty: false };
  const instant = text === "" ? null : fromLocal(text, zone);
  return { instant, isFaulty: instant === null };
}

/** The body of `PATCH /flights/{id}`. */
export function change(verb: Verb, entered: Entered): Schemas["ChangeFlight"] {
  const offload = Object.keys(entered.left);
  const named = offload.length > 0 ? { offload } : {};
  if (verb === "swap") {
    const accepted = entered.acceptsOversize ? { accept_oversize: true } : {};
    return { aircraft_code: entered.aircraft, ...named, ...accepted };
  }
  if (verb === "offload") return named;
  if (verb === "overbook") {
    // What is no figure is for the API, which names the field; an empty one is no more than the flight carries.
    const given = PERCENTAGES.map((name) => [name, figure(entered.overbooking[name]) ?? 0]);
    return { overbooking: Object.fromEntries(given) as Flight["overbooking"], ...named };
  }
  const departure = entered.departure === null ? {} : { departure_datetime: entered.departure };
  const arrival = entered.arrival === null ? {} : { arrival_datetime: entered.arrival };
  return { ...departure, ...arrival, ...named };
}

type Header = { "Idempotency-Key"?: string };

/** Sends an action, to try it or to do it, for the version of the flight that is shown. */
async function ask(
  verb: Verb,
  flight: Flight,
  entered: Entered,
  isTrial: boolean,
  key: Header,
): Promise<Answer<unknown>> {
  const params = {
    path: { id: flight.id },
    header: { "If-Match": `"${flight.version}"`, ...key },
    query: isTrial ? { dry_run: true } : {},
  };
  const left_behind = Object.entries(entered.left).map(([ref_id, reason]) => ({ ref_id, reason }));
  if (verb === "depart") return take(api.POST("/api/v1/flights/{id}/depart", { params, body: { left_behind } }));
  if (verb === "arrive") return take(api.POST("/api/v1/flights/{id}/arrive", { params, body: {} }));
  if (verb === "cancel") {
    const body = entered.reason ? { reason: entered.reason } : {};
    return take(api.POST("/api/v1/flights/{id}/cancel", { params, body }));
  }
  return take(api.PATCH("/api/v1/flights/{id}", { params, body: change(verb, entered) }));
}

export async function preview(verb: Verb, flight: Flight, entered: Entered): Promise<Preview> {
  return (await ask(verb, flight, entered, true, {})).data as Preview;
}

export async function perform(verb: Verb, flight: Flight, entered: Entered, key: Header): Promise<void> {
  await ask(verb, flight, entered, false, key);
}

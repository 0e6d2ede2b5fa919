// What may be changed of a booking, as texts of a form, and the difference as a merge patch.
import type { Schemas } from "../../api/problem";
import { words } from "../../words";
import { countryText } from "../../words/format";
import { entry, figure } from "../../words/parse";
import { weightEntry, weightFigure, withUnit, type WeightUnit } from "../../words/units";
import { measuresAfter } from "../../parts/brought";
import { dimensionsOf } from "../../parts/dimensions";
import { lineText, sizesOf } from "../../parts/dimensionTexts";
import { handlingCodes } from "../../parts/handling.svelte";

type Booking = Schemas["Booking"];

const FIGURES = ["pieces", "weight_kg", "volume_m3", "positions"] as const;
/** The dimensions are as an address has them. */
const FREIGHT = [...FIGURES, "dimensions", "awb_number"] as const;
const TEXTS = ["special_handling_codes", "description", "customer_reference"] as const;
export const PARTIES = ["shipper", "consignee"] as const;
const PARTY = ["name", "account_number", "street", "postal_code", "city", "country_code", "phone", "email"] as const;

/** A member by its address: `weight_kg`, `shipper/street`. */
export type Member =
  (typeof FREIGHT)[number] | (typeof TEXTS)[number] | `${(typeof PARTIES)[number]}/${(typeof PARTY)[number]}`;
export type Entered = Record<Member, string>;

export const partyMembers = (role: (typeof PARTIES)[number]): Member[] =>
  PARTY.map((name) => `${role}/${name}` as const);
const MEMBERS: readonly Member[] = [...FREIGHT, ...TEXTS, ...PARTIES.flatMap(partyMembers)];

export function label(member: Member, unit: WeightUnit): string {
  const [role, name] = member.split("/") as [(typeof PARTIES)[number], (typeof PARTY)[number] | undefined];
  if (name) return `${words.booking[role]}: ${words.booking.partyMembers[name]}`;
  if (member === "dimensions") return words.search.dimensions;
  return withUnit((words.booking.members as Record<string, string>)[member] ?? member, unit);
}

/** Is chosen from the list of countries. */
export const isCountry = (member: Member): boolean => member.endsWith("/country_code");

/** A member as the difference shows it. */
export function memberText(member: Member, text: string): string {
  if (text.trim() === "") return words.booking.none;
  if (member === "dimensions") return (dimensionsOf(text) ?? []).map(lineText).join("; ");
  return isCountry(member) ? countryText(text) : text;
}

/** Members that may be changed now: freight only before the first departure, the rest until delivery. */
export function members(booking: Pick<Booking, "status">): Member[] {
  if (booking.status === "DELIVERED" || booking.status === "CANCELLED") return [];
  const freight: readonly Member[] = FREIGHT;
  return MEMBERS.filter((member) => booking.status === "BOOKED" || !freight.includes(member));
}

/** What a booking has, with its weight in a unit. */
export function entered(booking: Booking, unit: WeightUnit): Entered {
  const parties = PARTIES.flatMap((role) => PARTY.map((name) => [`${role}/${name}`, booking[role]?.[name] ?? ""]));
  const own = ["awb_number", "description", "customer_reference"] as const;
  return {
    ...Object.fromEntries(own.map((member) => [member, booking[member] ?? ""])),
    ...Object.fromEntries(FIGURES.map((member) => [member, entry(booking[member] ?? "")])),
    weight_kg: weightEntry(booking.weight_kg, unit),
    dimensions: sizesOf(booking.dimensions ?? []),
    special_handling_codes: booking.special_handling_codes.join(","),
    ...Object.fromEntries(parties),
  } as Entered;
}

/** Members whose text differs. */
export function changed(before: Entered, now: Entered): Member[] {
  return MEMBERS.filter((member) => before[member].trim() !== now[member].trim());
}

/** What is saved of what is typed: other dimensions bring figures along. */
export function saved(before: Entered, now: Entered, unit: WeightUnit): Entered {
  const measures = (of: Entered) => ({
    pieces: of.pieces,
    weight: of.weight_kg,
    volume: of.volume_m3,
    sizes: of.dimensions,
  });
  const { pieces, weight, volume } = measuresAfter(measures(before), measures(now), unit);
  return { ...now, pieces, weight_kg: weight, volume_m3: volume };
}

/** The difference; both have their weights in `unit`. */
export function patch(before: Entered, now: Entered, unit: WeightUnit): Record<string, unknown> {
  const sent: Record<string, unknown> = {};
  for (const member of changed(before, now)) {
    const [role, name] = member.split("/") as [string, string | undefined];
    if (name) sent[role] = { ...(sent[role] ?? {}), [name]: now[member].trim() || null };
    else sent[member] = value(member, now[member].trim(), unit);
  }
  // Nobody: a party of which nothing is left.
  for (const role of PARTIES)
    if (role in sent && partyMembers(role).every((member) => now[member].trim() === "")) sent[role] = null;
  return sent;
}

function value(member: Member, text: string, unit: WeightUnit): unknown {
  // What is no number goes to the API as it is: its fault names the field.
  if (member === "weight_kg") return weightFigure(text, unit) ?? null;
  if ((FIGURES as readonly Member[]).includes(member)) return figure(text) ?? null;
  if (member === "special_handling_codes") return handlingCodes(text);
  if (member === "dimensions") return dimensionsOf(text) ?? null;
  return text || null;
}

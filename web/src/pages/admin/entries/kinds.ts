// The three kinds of reference data: their members, and how each is typed in.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words";

export type Kind = "airports" | "airlines" | "aircraft";
export type Entry = Partial<Schemas["Airport"] & Schemas["Airline"] & Schemas["Aircraft"]> & {
  iata_code: string;
  name: string;
  is_active: boolean;
  version: number;
};

export interface Member {
  name: keyof Entry & string;
  label: string;
  type: "text" | "number" | "flag";
  /** May be left empty. */
  isOptional?: boolean;
  /** Stands in the table. */
  isShown?: boolean;
}

const { members } = words.admin.entries;
const name: Member = { name: "name", label: members.name, type: "text", isShown: true };
const code = (label: string): Member => ({ name: "iata_code", label, type: "text", isShown: true });
const icao: Member = { name: "icao_code", label: members.icao_code, type: "text", isOptional: true, isShown: true };
const country: Member = { name: "country_code", label: members.country_code, type: "text", isShown: true };

export const KINDS: Record<Kind, readonly Member[]> = {
  airports: [
    code(members.iata_code),
    icao,
    name,
    { name: "city", label: members.city, type: "text", isShown: true },
    country,
    { name: "latitude", label: members.latitude, type: "number" },
    { name: "longitude", label: members.longitude, type: "number" },
    { name: "elevation_ft", label: members.elevation_ft, type: "number", isOptional: true },
    { name: "time_zone", label: members.time_zone, type: "text", isShown: true },
    { name: "is_major", label: members.is_major, type: "flag", isShown: true },
  ],
  airlines: [
    code(members.designator),
    icao,
    name,
    country,
    { name: "awb_prefix", label: members.awb_prefix, type: "text", isOptional: true, isShown: true },
    { name: "alliance", label: members.alliance, type: "text", isOptional: true },
    { name: "is_cargo_only", label: members.is_cargo_only, type: "flag", isShown: true },
  ],
  aircraft: [
    code(members.iata_code),
    icao,
    name,
    { name: "manufacturer", label: members.manufacturer, type: "text", isShown: true },
    { name: "max_cargo_kg", label: members.max_cargo_kg, type: "number", isShown: true },
    { name: "max_cargo_m3", label: members.max_cargo_m3, type: "number", isShown: true },
    { name: "positions", label: members.positions, type: "number", isShown: true },
    { name: "is_freighter", label: members.is_freighter, type: "flag", isShown: true },
  ],
};

/** What was typed, by member. */
export type Typed = Record<string, string | boolean>;

export function typed(members: readonly Member[], entry: Entry | null): Typed {
  const given = members.map((member) => {
    const value = entry?.[member.name];
    return [member.name, member.type === "flag" ? value === true : value == null ? "" : String(value)];
  });
  return Object.fromEntries(given) as Typed;
}

/** A number as the API takes it; what is no number goes as it was typed, and the API says so. */
const numeric = (text: string): number | string =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;

/** The members as the API takes them; of a change only those that differ from `before`. */
export function body(members: readonly Member[], values: Typed, before: Entry | null): Record<string, unknown> {
  const was = typed(members, before);
  const sent: Record<string, unknown> = {};
  for (const { name, type } of members) {
    const value = values[name];
    if (before ? value === was[name] || name === "iata_code" : value === "") continue;
    sent[name] = value === "" ? null : type === "number" ? numeric(String(value)) : value;
  }
  return sent;
}

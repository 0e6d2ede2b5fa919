// The three kinds of reference data: their members, and how each is typed in.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words/admin";
import type { Kind, Member } from "../edit/members";

export type Name = "airports" | "airlines" | "aircraft";
export type Entry = Partial<Schemas["Airport"] & Schemas["Airline"] & Schemas["Aircraft"]> & {
  iata_code: string;
  name: string;
  is_active: boolean;
  version: number;
};

export interface EntryMember extends Member<keyof Entry & string> {
  /** Stands in the table. */
  isShown?: boolean;
  /** Decimals that the table shows at most. */
  digits?: number;
}
export interface EntryKind extends Kind<Entry> {
  members: readonly EntryMember[];
  /** Stands in the table beside the members, and nobody types it in. */
  computed: readonly EntryMember[];
}

const { make, members, carries, ...texts } = words.admin.entries;
const name: EntryMember = { name: "name", label: members.name, type: "text", isShown: true };
const code = (label: string): EntryMember => ({
  name: "iata_code",
  label,
  type: "text",
  isFixed: true,
  isShown: true,
});
const icao: EntryMember = {
  name: "icao_code",
  label: members.icao_code,
  type: "text",
  isOptional: true,
  isShown: true,
};
const country: EntryMember = { name: "country_code", label: members.country_code, type: "country", isShown: true };

const airlineKinds = [
  { value: "", label: members.unknown },
  ...Object.entries(carries).map(([value, label]) => ({ value, label })),
];

const MEMBERS: Record<Name, readonly EntryMember[]> = {
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
    { name: "kind", label: members.kind, type: "choice", isOptional: true, isShown: true, options: airlineKinds },
    {
      name: "hub_airports",
      label: members.hub_airports,
      type: "list",
      hint: members.hubs_hint,
      isOptional: true,
      isShown: true,
    },
  ],
  aircraft: [
    code(members.iata_code),
    icao,
    name,
    { name: "manufacturer", label: members.manufacturer, type: "text", isShown: true },
    { name: "max_cargo_kg", label: members.max_cargo_kg, type: "number", isShown: true, digits: 1 },
    { name: "max_cargo_m3", label: members.max_cargo_m3, type: "number", isShown: true, digits: 3 },
    { name: "positions", label: members.positions, type: "number", isShown: true },
    { name: "is_freighter", label: members.is_freighter, type: "flag", isShown: true },
    {
      name: "co2e_kg_per_tkm",
      label: members.co2e_kg_per_tkm,
      type: "number",
      hint: members.co2e_hint,
      isOptional: true,
      digits: 4,
    },
    {
      name: "openings",
      label: members.openings,
      type: "openings",
      hint: members.openings_hint,
      isOptional: true,
    },
  ],
};

const onTime: EntryMember = { name: "on_time_percent", label: members.on_time_percent, type: "number", digits: 1 };

const kind = (name: Name): EntryKind => ({
  path: `/api/v1/${name}`,
  members: MEMBERS[name],
  computed: name === "airlines" ? [onTime] : [],
  id: (entry) => entry.iata_code,
  called: (entry) => entry.iata_code,
  words: { ...texts, make: make[name] },
});

export const KINDS: Record<Name, EntryKind> = {
  airports: kind("airports"),
  airlines: kind("airlines"),
  aircraft: kind("aircraft"),
};

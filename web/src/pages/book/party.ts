// A party as forms have it: a text for each member, empty where there is none.
import type { Schemas } from "../../api/problem";

export interface Party {
  name: string;
  street: string;
  postal_code: string;
  city: string;
  country_code: string;
  phone: string;
  email: string;
}

export const nobody = (): Party => ({
  name: "",
  street: "",
  postal_code: "",
  city: "",
  country_code: "",
  phone: "",
  email: "",
});

/** The members that have a field. */
export const FIELDS = Object.keys(nobody()) as (keyof Party)[];

/** A party of the API as the form has it; what the form has no field for is left out. */
export const partyOf = (party: Partial<Schemas["Party"]> | null): Party => ({
  ...nobody(),
  ...Object.fromEntries(FIELDS.map((name) => [name, party?.[name] ?? ""])),
});

export const isEmpty = (fields: object): boolean => Object.values(fields).every((value: string) => value.trim() === "");

/** The members as the API takes them: an empty text clears one. */
export const membersOf = (party: Party): Schemas["AmendParty"] =>
  Object.fromEntries(FIELDS.map((name) => [name, party[name].trim() || null]));

/** Whether both say the same. */
export const isSame = (one: Party, other: Party): boolean =>
  FIELDS.every((name) => one[name].trim() === other[name].trim());

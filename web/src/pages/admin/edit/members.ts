// The members of what administrators keep: how each is typed in, sent, and shown in words.
import { addressOf, ofServer, type Fault, type ServerFault } from "../../../api/problem";
import { organizations } from "../../../parts/reference.svelte";
import { words } from "../../../words/admin";
import { countryText, fullDate, weekday } from "../../../words/format";
import { entry, figure } from "../../../words/parse";

/** What the API says of a thing that is kept. */
export type Kept = { version: number } & { [member: string]: unknown };

type Type =
  | "text"
  /** Of several lines. */
  | "prose"
  | "number"
  | "flag"
  /** Yes, no, or either of them. */
  | "either"
  | "choice"
  | "list"
  /** Special handling codes, and one of them. */
  | "handling"
  | "handlingCode"
  | "date"
  | "weekdays"
  | "money"
  | "breaks"
  | "effect"
  /** Doors of an aircraft, typed as tables have them. */
  | "openings"
  | "scope"
  | "airport"
  | "country"
  | "organization"
  /** Entries of which each is a line, by `lines`. */
  | "lines";

export interface Option {
  value: string;
  label: string;
}

export interface Member<Name extends string = string> {
  name: Name;
  label: string;
  type: Type;
  hint?: string;
  /** May be left empty. */
  isOptional?: boolean;
  /** Is given once, and stays. */
  isFixed?: boolean;
  /** What a new one has. */
  initial?: string;
  /** Of `choice` and `either`. */
  options?: readonly Option[];
  /** Of `lines`: how entries are typed, and how lines are sent. */
  lines?: { typed: (value: unknown) => string; sent: (text: string) => unknown };
}

/** One kind of what is kept: where it is, its members, and the words of its dialog. */
export interface Kind<T extends Kept = Kept> {
  path: string;
  members: readonly Member<keyof T & string>[];
  id(record: T): string;
  /** How people call it. */
  called(record: T): string;
  words: {
    make: string;
    change: (name: string) => string;
    saved: (name: string) => string;
    end: string;
    sure: (name: string) => string;
    ended: (name: string) => string;
  };
}

/** What was typed, by member. Whatever its type, it is one text, so that two of them compare. */
export type Typed = Record<string, string | boolean>;

/** A flight number may have a blank after the airline: `AI 0914`. */
export const entries = (text: string): string[] =>
  text
    .replace(/\b([a-z][a-z\d]|\d[a-z])\s+(?=\d{1,4}[a-z]?(?:[\s,;]|$))/gi, "$1")
    .split(/[\s,;]+/)
    .filter((entry) => entry !== "");

export interface Step {
  from: string;
  rate: string;
}

/** Weight breaks are typed as tables have them: `45=10;100=9`. */
export const steps = (text: string): Step[] =>
  text === ""
    ? []
    : text.split(";").map((step) => {
        const [from = "", rate = ""] = step.split("=");
        return { from, rate };
      });
export const ofSteps = (of: readonly Step[]): string => of.map((step) => `${step.from}=${step.rate}`).join(";");

export interface Opening {
  deck: string;
  door_width_cm: number | string;
  door_height_cm: number | string;
  max_length_cm: number | string | null;
  max_piece_kg: number | string | null;
}

/** Openings are typed as tables have them: `LOWER:270x170x318@4600 BULK:91x114`. */
export const ofOpenings = (of: readonly Opening[]): string =>
  of
    .map(({ deck, door_width_cm, door_height_cm, max_length_cm, max_piece_kg }) => {
      const length = max_length_cm === null ? "" : `x${max_length_cm}`;
      return `${deck}:${door_width_cm}x${door_height_cm}${length}${max_piece_kg === null ? "" : `@${max_piece_kg}`}`;
    })
    .join(" ");

/** `50.00 USD`. */
export const sum = (text: string): { amount: string; currency: string } => {
  const [amount = "", currency = ""] = text.split(" ");
  return { amount, currency };
};
export const ofSum = (amount: string, currency: string): string =>
  amount === "" && currency === "" ? "" : `${amount} ${currency}`;

/** An embargo that lets nothing fly; any other text is the codes of which the freight needs one. */
export const FORBID = "FORBID";

function asText(type: Type, value: NonNullable<unknown>): string {
  if (Array.isArray(value) && type === "breaks")
    return ofSteps(value.map((step: { from_kg: number; rate: string }) => ({ ...step, from: entry(step.from_kg) })));
  if (Array.isArray(value) && type === "openings") return ofOpenings(value as Opening[]);
  if (Array.isArray(value)) return value.join(" ");
  if (type === "money") {
    const { amount, currency } = value as { amount: string; currency: string };
    return ofSum(amount, currency);
  }
  if (type === "effect" && value !== FORBID) return (value as { require_any: string[] }).require_any.join(" ");
  return type === "number" ? entry(value as number) : String(value);
}

/** What the fields show of a record; of none, what a new one begins with. */
export function typed(members: readonly Member[], record: Kept | null): Typed {
  const given = members.map(({ name, type, initial, lines }) => {
    const value = record ? record[name] : initial;
    if (type === "flag") return [name, value === true];
    if (lines) return [name, lines.typed(value ?? [])];
    return [name, value == null ? "" : record ? asText(type, value) : String(value)];
  });
  return Object.fromEntries(given) as Typed;
}

/** A number as the API takes it; what is no number goes as it was typed, and the API says so. */
const numeric = (text: string): number | string => figure(text) ?? text;

/** The openings of a text; what is no number goes as it was typed, and the API says so. */
export const openings = (text: string): Opening[] =>
  text
    .split(/[\s;,]+/)
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [, deck = "", lengths = "", weight] = /^([^:]*):?([^@]*)(?:@(.*))?$/.exec(entry) ?? [];
      const [width = "", height = "", length] = lengths.split(/[x×]/i);
      return {
        deck,
        door_width_cm: numeric(width),
        door_height_cm: numeric(height),
        max_length_cm: length === undefined ? null : numeric(length),
        max_piece_kg: weight === undefined ? null : numeric(weight),
      };
    });

function asSent(type: Type, text: string): unknown {
  if (type === "number") return numeric(text);
  if (type === "either") return text === "true";
  if (type === "list" || type === "handling") return entries(text);
  if (type === "weekdays") return entries(text).map(Number);
  if (type === "money") return sum(text);
  if (type === "breaks") return steps(text).map(({ from, rate }) => ({ from_kg: numeric(from), rate }));
  if (type === "openings") return openings(text);
  if (type === "effect") return text === FORBID ? text : { require_any: entries(text) };
  return text;
}

/** The members as the API takes them; of a change only those that differ from `before`. */
export function body(members: readonly Member[], values: Typed, before: Kept | null): Record<string, unknown> {
  const was = typed(members, before);
  const sent: Record<string, unknown> = {};
  for (const { name, type, isFixed, lines } of members) {
    const value = values[name] ?? "";
    if (before ? value === was[name] || isFixed : value === "") continue;
    if (lines) sent[name] = lines.sent(String(value));
    else sent[name] = value === "" ? null : typeof value === "string" ? asSent(type, value) : value;
  }
  return sent;
}

/** What is in the fields after somebody else's change: theirs, but where something else was typed. */
export function rebased(members: readonly Member[], values: Typed, before: Kept, now: Kept): Typed {
  const [was, is] = [typed(members, before), typed(members, now)];
  const kept = members.map(({ name }) => [name, values[name] === was[name] ? is[name] : values[name]]);
  return Object.fromEntries(kept) as Typed;
}

/** A member as the lists and the comparison show it. */
export function memberText(member: Member, value: string | boolean | undefined): string {
  if (value === true) return words.parts.yes;
  if (value === false) return words.parts.no;
  const option = member.options?.find((one) => one.value === value);
  if (option) return option.label;
  if (value === undefined || value === "") return words.booking.none;
  if (member.type === "date") return fullDate(value);
  if (member.type === "weekdays") return entries(value).map(Number).map(weekday).join(", ");
  if (member.type === "list" || member.type === "handling") return entries(value).join(", ");
  if (member.type === "breaks")
    return steps(value)
      .map(({ from, rate }) => words.admin.edit.step(from, rate))
      .join(", ");
  if (member.type === "effect" && value === FORBID) return words.admin.edit.forbid;
  if (member.type === "effect") return words.admin.edit.requires(entries(value).join(", "));
  if (member.type === "country") return countryText(value);
  if (member.type === "organization") return organizations.get(value)?.name ?? value;
  return value;
}

/** The faults of a member and of what is in it. */
export function faultsAt(faults: readonly Fault[], pointer: string): Fault[] {
  return faults.filter((fault) => addressOf(fault) === pointer || addressOf(fault).startsWith(`${pointer}/`));
}

/** What is wrong at a pointer; of a list, with the entry that it is about. */
export function faultText(faults: readonly Fault[], pointer: string, value: string | boolean = ""): ServerFault | null {
  const texts = faultsAt(faults, pointer).map((fault) => {
    const at = /\/(\d+)$/.exec(addressOf(fault))?.[1];
    const entry = at === undefined ? undefined : entries(String(value))[Number(at)];
    return entry === undefined ? fault.message : `${entry}: ${fault.message}`;
  });
  return ofServer(texts);
}

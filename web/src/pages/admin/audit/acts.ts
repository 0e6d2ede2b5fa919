// Acts of the audit trail in words: what was done, to what, and what is different since.
import type { Schemas } from "../../../api/problem";
import { organizations } from "../../../parts/reference.svelte";
import { words } from "../../../words/admin";
import { fullDate, money, number, weekday } from "../../../words/format";
import { locale } from "../../../words/language";

export type Act = Schemas["ActBody"];
type Data = Record<string, unknown>;

const { acts, kinds, tables, members: own } = words.admin.audit;
const actWords: Record<string, string> = acts;
export const actText = (act: string): string => actWords[act] ?? act;

/** The acts to choose from; one that the address has, and that is not known here, is among them. */
export function actOptions(chosen: string): { value: string; label: string }[] {
  const known = Object.entries(acts).map(([value, label]) => ({ value, label }));
  const isKnown = chosen === "" || chosen in acts;
  return [...known, ...(isKnown ? [] : [{ value: chosen, label: chosen }])].sort((a, b) =>
    a.label.localeCompare(b.label, locale),
  );
}

export interface Subject {
  text: string;
  /** The page that shows it; nothing: no page does. */
  href: string | null;
}

const tablePages: Record<string, string | null> = {
  airports: "/admin/airports",
  airlines: "/admin/airlines",
  aircraft: "/admin/aircraft",
  tariffs: "/admin/tariffs",
  flights: "/flights",
  stations: "/admin/stations",
  users: "/admin/users",
  bookings: "/bookings",
};
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const kindWords: Record<string, string> = kinds;
const named = (kind: string, name: string): string => [kindWords[kind] ?? plain(kind), name].filter(Boolean).join(" ");
const plain = (name: string): string => name.replaceAll("_", " ");

/** Whether the act is about a table as a whole: an import or an export. */
function tableOf(act: Act): string | null {
  const [table = "", verb] = act.act.split(".");
  return verb === "imported" || (verb === "exported" && act.subject_id === "export") ? table : null;
}

/** The code or name of a rule; a sale and an allotment without one are named by their route. */
function nameOfRule(data: Data): string {
  const route = [text(data["origin"]), text(data["destination"])].filter(Boolean).join("–");
  return text(data["code"]) || text(data["name"]) || route;
}

/** What an act is about. The names of people and organizations are read elsewhere. */
export function subjectOf(act: Act): Subject {
  const { subject_kind: kind, subject_id: id } = act;
  const data = act.data as Data;
  const table = tableOf(act);
  if (table)
    return { text: (tables as Record<string, string>)[table] ?? plain(table), href: tablePages[table] ?? null };
  switch (kind) {
    case "flight":
      return { text: named(kind, text(data["flight_number"])), href: `/flights/${id}` };
    case "booking":
    case "payment": {
      const reference = text(data["ref_id"]) || text(data["booking_ref"]);
      return { text: named(kind, reference), href: reference ? `/bookings/${reference}` : null };
    }
    case "airport":
      return { text: named(kind, id), href: `/admin/airports?q=${id}` };
    case "airline":
    case "aircraft":
      return { text: named(kind, id), href: kind === "airline" ? "/admin/airlines" : "/admin/aircraft" };
    case "station":
      return { text: named(kind, id), href: `/stations/${id}` };
    case "station_tag":
    case "station_collection":
      return {
        text: named(kind, text(data["name"])),
        href: kind === "station_tag" ? "/admin/tags" : "/admin/collections",
      };
    case "station_tip":
      return { text: named(kind, text(data["station"])), href: "/admin/tips" };
    case "tariff":
    case "surcharge":
    case "sale":
    case "allotment":
      return { text: named(kind, nameOfRule(data)), href: `/admin/${kind}s` };
    case "embargo":
      return { text: named(kind, nameOfRule(data)), href: "/admin/embargoes" };
    case "webhook":
      return { text: named(kind, ""), href: act.act === "webhook.deleted" ? null : `/admin/messages?webhook=${id}` };
    case "notification":
      return { text: named(kind, ""), href: "/admin/messages" };
    case "feed":
      return { text: named(kind, ""), href: act.act === "feed.deleted" ? null : `/admin/feeds/${id}` };
    case "alert":
      return { text: named(kind, ""), href: "/admin/alerts" };
    case "schedule":
    case "job":
      return { text: named(kind, kind === "job" ? text(data["kind"]) : id), href: "/admin/jobs" };
    default:
      return { text: named(kind, ""), href: null };
  }
}

/** Members that the subject names, or that say nothing to a reader. */
const UNSHOWN = ["id", "owner", "flight_number", "ref_id", "booking_ref", "payment_id", "created_at", "updated_at"];
const labels: Record<string, string> = { ...words.admin.entries.members, ...words.admin.rules.members, ...own };
const roles: Record<string, string> = words.roles;
const states: Record<string, string> = { ...words.paymentStates, ...words.admin.messages.webhookStates };
const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);

/** `Role: Customer → Operator`, one text for each member. */
export function changesOf(act: Act): string[] {
  const data = act.data as Data;
  // With a version, it is the whole state: what is empty there was mostly never set.
  const isState = "version" in data;
  return Object.entries(data)
    .filter(([name, value]) => !UNSHOWN.includes(name) && !(isState && isEmpty(value)))
    .sort(([a], [b]) => Number(a === "version") - Number(b === "version"))
    .map(([name, value]) => words.admin.audit.change(labels[name] ?? plain(name), valueText(name, value)));
}

function valueText(name: string, value: unknown): string {
  if (isEmpty(value)) return words.booking.none;
  if (typeof value === "boolean") return value ? words.parts.yes : words.parts.no;
  if (typeof value === "number") return name === "weekdays" ? weekday(value) : number(value, 4);
  if (typeof value === "string") return textOf(name, value);
  if (Array.isArray(value)) return listText(name, value);
  const found = value as Data;
  if ("from" in found && "to" in found) return `${valueText(name, found["from"])} → ${valueText(name, found["to"])}`;
  if (typeof found["amount"] === "string" && typeof found["currency"] === "string")
    return money({ amount: found["amount"], currency: found["currency"] });
  if (Array.isArray(found["require_any"])) return words.admin.edit.requires(found["require_any"].join(", "));
  return Object.entries(found)
    .map(([inner, one]) => words.admin.audit.change(labels[inner] ?? plain(inner), valueText(inner, one)))
    .join(", ");
}

function textOf(name: string, value: string): string {
  if (name === "role") return roles[value] ?? value;
  if (name === "status") return states[value] ?? value;
  if (name === "organization_id") return organizations.get(value)?.name ?? value;
  if (name === "effect" && value === "FORBID") return words.admin.edit.forbid;
  const [, date, time] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)[\d:.]*Z)?$/.exec(value) ?? [];
  return date ? [fullDate(date), time && `${time} UTC`].filter(Boolean).join(" ") : value;
}

function listText(name: string, value: unknown[]): string {
  if (name === "breaks")
    return value
      .map((step) => words.admin.edit.step(...((step as unknown[]).map(String).slice(0, 2) as [string, string])))
      .join(", ");
  return value.map((one) => valueText(name, one)).join(", ");
}

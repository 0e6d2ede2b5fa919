// What an alert watches, as a form has it, an address leads to it, and a list shows it.
import type { Schemas } from "../../api/problem";
import { dimensionsOf, weightOf } from "../../parts/dimensions";
import { sizesOf } from "../../parts/dimensionTexts";
import { handlingCodes } from "../../parts/handling.svelte";
import { words } from "../../words";
import { fullDate, money, number } from "../../words/format";
import { addressedEntry, canonical, entry, figure } from "../../words/parse";
import { addressedWeightEntry, weightEntry, weightFigure, type WeightUnit } from "../../words/units";
import { searchAddress } from "../search/asked";

export type Alert = Schemas["Alert"];
type Kind = Schemas["AlertKind"];

/** As it is typed. */
export interface Draft {
  kind: Kind;
  origin: string;
  destination: string;
  from: string;
  to: string;
  weight: string;
  volume: string;
  handling: string;
  /** Of space: the dimensions as an address has them. */
  sizes: string;
  /** Of a price: a drop by percent, or an amount. */
  target: "drop" | "below";
  percent: string;
  amount: string;
  currency: string;
}

const PERCENT = "10";
const KINDS: readonly Kind[] = ["PRICE", "SPACE"];
export const kindIn = (text: string | null): Kind | null => KINDS.find((kind) => kind === text) ?? null;

/** The form of an address. */
export function draftOf(query: URLSearchParams, unit: WeightUnit): Draft {
  const get = (name: string) => query.get(name) ?? "";
  return {
    kind: kindIn(query.get("new")) ?? "PRICE",
    origin: get("origin").toUpperCase(),
    destination: get("destination").toUpperCase(),
    from: get("date"),
    to: get("date"),
    weight: addressedWeightEntry(get("weight"), unit),
    volume: addressedEntry(get("volume")),
    handling: get("handling"),
    sizes: get("sizes"),
    target: "drop",
    percent: PERCENT,
    amount: addressedEntry(get("amount")),
    currency: get("currency").toUpperCase(),
  };
}

/** The form of an alert that is there. */
export const draftFrom = (alert: Alert, unit: WeightUnit): Draft => ({
  kind: alert.kind,
  origin: alert.origin,
  destination: alert.destination,
  from: alert.date_from ?? "",
  to: alert.date_to ?? "",
  weight: weightEntry(alert.weight_kg, unit),
  volume: alert.volume_m3 === null ? "" : entry(alert.volume_m3),
  handling: alert.special_handling_codes.join(","),
  sizes: sizesOf(alert.dimensions ?? []),
  target: alert.below ? "below" : "drop",
  percent: alert.drop_percent === null ? PERCENT : entry(alert.drop_percent),
  amount: alert.below ? entry(alert.below.amount) : "",
  currency: alert.below?.currency ?? "",
});

/** What is sent. What is no number stays as it was typed: the API names the fault. */
export function bodyOf(draft: Draft, unit: WeightUnit): Schemas["CreateAlert"] {
  const codes = handlingCodes(draft.handling);
  const isPrice = draft.kind === "PRICE";
  const members = {
    date_from: draft.from || undefined,
    date_to: draft.to || undefined,
    weight_kg: weightFigure(draft.weight, unit),
    volume_m3: figure(draft.volume),
    special_handling_codes: codes.length > 0 ? codes : undefined,
    dimensions: isPrice ? undefined : dimensionsOf(draft.sizes),
    drop_percent: isPrice && draft.target === "drop" ? figure(draft.percent) : undefined,
    below:
      isPrice && draft.target === "below"
        ? { amount: canonical(draft.amount), currency: draft.currency.trim().toUpperCase() }
        : undefined,
  };
  const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  const { kind, origin, destination } = draft;
  return { kind, origin, destination, ...given } as Schemas["CreateAlert"];
}

/**
 * What is sent of an alert that is changed: what is left empty is cleared. New dimensions bring their volume and weight along, unless
 * others are typed. A weight that is cleared is sent where they have none: the API asks for it.
 */
export function changeOf(draft: Draft, unit: WeightUnit, before: Draft): Schemas["ChangeAlert"] {
  const { kind, ...given } = bodyOf(draft, unit);
  const empty = { date_from: null, date_to: null, weight_kg: null, volume_m3: null, special_handling_codes: null };
  const target = kind === "PRICE" ? { below: null, drop_percent: null } : { dimensions: null };
  const all = { ...empty, ...target, ...given };
  if (draft.sizes === "" || draft.sizes === before.sizes) return all as Schemas["ChangeAlert"];
  const weight = draft.weight.trim();
  const isWeightBrought = weight === before.weight || (weight === "" && weightOf(draft.sizes) !== "");
  const isBrought = (member: string) =>
    (member === "volume_m3" && draft.volume === before.volume) || (member === "weight_kg" && isWeightBrought);
  return Object.fromEntries(Object.entries(all).filter(([member]) => !isBrought(member))) as Schemas["ChangeAlert"];
}

/** `10 % below US$450.00`, `US$450.00 or less`, `any space`. */
export function targetText(alert: Pick<Alert, "kind" | "below" | "drop_percent" | "threshold">): string {
  const texts = words.alerts;
  if (alert.kind === "SPACE") return texts.anySpace;
  if (alert.below) return texts.atMost(money(alert.below));
  const drop = texts.dropBy(number(alert.drop_percent ?? 0));
  return alert.threshold ? texts.dropTo(drop, money(alert.threshold)) : drop;
}

/** `1 Dec 2026 – 10 Dec 2026`, `1 Dec 2026`, or `the next 30 days`. */
export function datesText({ date_from, date_to }: Pick<Alert, "date_from" | "date_to">): string {
  if (!date_from || !date_to) return words.alerts.always;
  return date_from === date_to ? fullDate(date_from) : `${fullDate(date_from)} – ${fullDate(date_to)}`;
}

/** The search for what an alert is about: on the date that is best now, else the first of its dates, else `otherwise`. */
export const searchOf = (alert: Alert, otherwise: string): string =>
  searchAddress({
    origin: alert.origin,
    destination: alert.destination,
    date: alert.current?.departure_date ?? alert.date_from ?? otherwise,
    pieces: "",
    weight: String(alert.weight_kg),
    volume: alert.volume_m3 === null ? "" : String(alert.volume_m3),
    handling: alert.special_handling_codes.join(","),
    sizes: sizesOf(alert.dimensions ?? []),
  });

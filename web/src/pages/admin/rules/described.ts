// How lists describe a rule: where, when and for which freight it applies, and its figures.
import type { Schemas } from "../../../api/problem";
import { metric } from "../../../parts/capacity";
import { organizations } from "../../../parts/reference.svelte";
import { words } from "../../../words/admin";
import { country, fullDate, money, number, weekday } from "../../../words/format";

const texts = words.admin.rules;

/** `London, GB` of `city:London,GB`; an airport's code stays. */
export function scope(of: string): string {
  if (of === "*") return texts.anywhere;
  const [kind, name = ""] = of.split(/:(.*)/s);
  if (kind === "city") return name.replace(",", ", ");
  if (kind === "country") return country(name);
  if (kind === "region")
    return name
      .split("_")
      .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
      .join(" ");
  return of;
}

export const route = (of: { origin: string; destination: string }): string =>
  `${scope(of.origin)} → ${scope(of.destination)}`;

export const period = (from: string, to: string | null): string =>
  to === null ? texts.since(fullDate(from)) : `${fullDate(from)} – ${fullDate(to)}`;

interface Reach {
  airline_code?: string | null;
  flight_numbers?: string[];
  flight_number?: string | null;
  aircraft_code?: string | null;
  is_freighter?: boolean | null;
  weekdays?: number[];
  organization_id?: string | null;
  product?: string;
  handling_code?: string | null;
  handling_codes?: string[];
}

/** What a rule is limited to beside its route and dates. */
export function reach(of: Reach): string {
  const handling = of.handling_code ? [of.handling_code] : (of.handling_codes ?? []);
  const flights = of.flight_number ? [of.flight_number] : (of.flight_numbers ?? []);
  const parts = [
    of.organization_id && (organizations.get(of.organization_id)?.name ?? of.organization_id),
    of.product && of.product !== "GENERAL" && of.product,
    handling.length > 0 && texts.freight(handling.join(", ")),
    of.airline_code && texts.airline(of.airline_code),
    flights.join(", "),
    of.aircraft_code && texts.aircraft(of.aircraft_code),
    of.is_freighter === true && texts.freighters,
    of.is_freighter === false && texts.noFreighters,
    (of.weekdays ?? []).map(weekday).join(", "),
  ];
  return parts.filter(Boolean).join(" · ") || texts.all;
}

export function rates(tariff: Pick<Schemas["Tariff"], "currency" | "minimum" | "normal" | "breaks">): string {
  const cost = (amount: string) => money({ amount, currency: tariff.currency });
  const steps = tariff.breaks.map((step) => texts.step(number(step.from_kg, 1), cost(step.rate)));
  return [texts.perKilogram(cost(tariff.normal)), ...steps, texts.atLeast(cost(tariff.minimum))].join(" · ");
}

const BASES = texts.bases as Record<string, (rate: string) => string>;

type Charge = Pick<Schemas["Surcharge"], "basis" | "rate" | "currency" | "minimum"> &
  Partial<Pick<Schemas["Surcharge"], "maximum" | "per">>;

export function charge(of: Charge): string {
  const cost = (amount: string) => (of.currency ? money({ amount, currency: of.currency }) : amount);
  return [
    BASES[of.basis]?.(cost(of.rate)) ?? `${cost(of.rate)} ${of.basis}`,
    of.minimum && texts.atLeast(cost(of.minimum)),
    of.maximum && texts.atMost(cost(of.maximum)),
    of.per === "LEG" && texts.perLeg,
  ]
    .filter(Boolean)
    .join(" · ");
}

type Reduction = Pick<Schemas["Sale"], "amount" | "percent"> & Partial<Pick<Schemas["Sale"], "max_uses">>;

export function reduction(sale: Reduction): string {
  const lower = sale.amount ? money(sale.amount) : `${sale.percent ?? "0"} %`;
  return sale.max_uses ? `${lower} · ${texts.uses(sale.max_uses, number(sale.max_uses))}` : lower;
}

export function effect(of: Schemas["Embargo"]): string {
  const asks =
    typeof of.effect === "string"
      ? words.admin.edit.forbid
      : words.admin.edit.requires(of.effect.require_any.join(", "));
  return `${asks}: ${of.reason}`;
}

/** `500 kg · 3 m³`; dimensions without a figure are left out. */
export function space(of: Schemas["Space"]): string {
  const parts = (["weight_kg", "volume_m3", "positions"] as const).filter((dimension) => of[dimension] > 0);
  return parts.map((dimension) => metric(dimension, of[dimension])).join(" · ") || words.booking.none;
}

export const sumOf = (one: Schemas["Space"], other: Schemas["Space"]): Schemas["Space"] => ({
  weight_kg: one.weight_kg + other.weight_kg,
  volume_m3: one.volume_m3 + other.volume_m3,
  positions: one.positions + other.positions,
});

// The rules that administrators keep: what each has, and how its list shows it.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words/admin";
import type { Kept, Kind, Member, Option } from "../edit/members";
import { charge, effect, period, rates, reach, reduction, route, space } from "./described";
import { organizations } from "../../../parts/reference.svelte";
import type { SortValue } from "../../../parts/sort";

type Rule = Kept & { id: string };
interface RuleColumn<T extends Rule> {
  label: string;
  text: (rule: T) => string;
  /** The name of its order in the address, and the value that rules are sorted by. */
  order?: { name: string; value: (rule: T) => SortValue };
}
export interface RuleKind<T extends Rule> extends Kind<T> {
  name: keyof typeof words.admin.rules.kinds;
  /** The first column names the rule; these are the others. */
  columns: readonly RuleColumn<T>[];
  /** Is imported and exported as a table. */
  hasTable?: boolean;
}

const { members, hints, columns, kinds, options: choices, ...texts } = words.admin.rules;
const yesNo = words.parts;
const options = (of: Record<string, string>): Option[] =>
  Object.entries(of).map(([value, label]) => ({ value, label }));

/** Members that several kinds have. */
const scopes = [
  { name: "origin", label: members.origin, type: "scope", hint: hints.scope },
  { name: "destination", label: members.destination, type: "scope", hint: hints.scope },
] as const satisfies Member[];
const flights = [
  { name: "airline_code", label: members.airline_code, type: "text", isOptional: true },
  { name: "flight_numbers", label: members.flight_numbers, type: "list", isOptional: true, hint: hints.list },
] as const satisfies Member[];
const dates = [
  { name: "valid_from", label: members.valid_from, type: "date", hint: hints.local },
  { name: "valid_to", label: members.valid_to, type: "date", isOptional: true },
] as const satisfies Member[];
const handling = {
  name: "handling_codes",
  label: members.handling_codes,
  type: "handling",
  isOptional: true,
  hint: hints.anyOf,
} as const satisfies Member;
const weekdays = {
  name: "weekdays",
  label: members.weekdays,
  type: "weekdays",
  hint: hints.weekdays,
} as const satisfies Member;
const code = { name: "code", label: members.code, type: "text", isFixed: true } as const satisfies Member;
const currency = {
  name: "currency",
  label: members.currency,
  type: "text",
  hint: hints.currency,
} as const satisfies Member;

const kind = <T extends Rule>(
  name: RuleKind<T>["name"],
  called: (rule: T) => string,
  more: Pick<RuleKind<T>, "members" | "columns" | "hasTable"> & Partial<Pick<RuleKind<T>, "path">>,
): RuleKind<T> => ({
  name,
  path: `/api/v1/${name}`,
  id: (rule) => rule.id,
  called,
  words: { ...texts, make: kinds[name].make },
  ...more,
});
const reached = <T extends Parameters<typeof reach>[0]>() => ({ label: columns.reach, text: (rule: T) => reach(rule) });
const lane = { label: columns.route, text: route, order: { name: "route", value: route } };
const departures = {
  label: columns.departures,
  text: (rule: { valid_from: string; valid_to: string | null }) => period(rule.valid_from, rule.valid_to),
  order: { name: "from", value: (rule: { valid_from: string }) => rule.valid_from },
};

const owner = ({ organization_id: id }: { organization_id: string }): string => organizations.get(id)?.name ?? id;

export const TARIFFS = kind<Schemas["Tariff"]>("tariffs", (tariff) => tariff.code, {
  hasTable: true,
  members: [
    code,
    ...scopes,
    currency,
    { name: "minimum", label: members.minimumCharge, type: "text" },
    { name: "normal", label: members.normal, type: "text", hint: hints.normal },
    { name: "breaks", label: members.breaks, type: "breaks", hint: hints.breaks },
    ...dates,
    ...flights,
    { name: "organization_id", label: members.organization_id, type: "organization", isOptional: true },
    { name: "product", label: members.product, type: "text", isOptional: true, hint: hints.product },
    { name: "handling_code", label: members.handling_code, type: "handlingCode", isOptional: true },
  ],
  columns: [lane, reached(), { label: columns.rates, text: rates }, departures],
});

export const SURCHARGES = kind<Schemas["Surcharge"]>("surcharges", (surcharge) => surcharge.code, {
  members: [
    { ...code, hint: hints.surchargeCode },
    ...scopes,
    { name: "per", label: members.per, type: "choice", initial: "SHIPMENT", options: options(choices.per) },
    {
      name: "basis",
      label: members.basis,
      type: "choice",
      initial: "PER_KG_CHARGEABLE",
      options: options(choices.basis),
    },
    { name: "rate", label: members.rate, type: "text" },
    { ...currency, isOptional: true, hint: hints.surchargeCurrency },
    { name: "minimum", label: members.minimum, type: "text", isOptional: true },
    { name: "maximum", label: members.maximum, type: "text", isOptional: true },
    ...dates,
    handling,
    ...flights,
  ],
  columns: [lane, reached(), { label: columns.charge, text: charge }, departures],
});

export const SALES = kind<Schemas["Sale"]>("sales", (sale) => sale.code ?? texts.noCode, {
  members: [
    { ...code, isOptional: true, hint: hints.saleCode },
    { name: "percent", label: members.percent, type: "text", isOptional: true, hint: hints.percent },
    { name: "amount", label: members.amount, type: "money", isOptional: true, hint: hints.amount },
    { name: "max_uses", label: members.max_uses, type: "number", isOptional: true, hint: hints.max_uses },
    { name: "sale_from", label: members.sale_from, type: "date", hint: hints.utc },
    { name: "sale_to", label: members.sale_to, type: "date" },
    ...scopes,
    ...dates,
    ...flights,
  ],
  columns: [
    lane,
    reached(),
    { label: columns.reduction, text: reduction },
    {
      label: columns.quotes,
      text: (sale) => period(sale.sale_from, sale.sale_to),
      order: { name: "sale_from", value: (sale) => sale.sale_from },
    },
    departures,
  ],
});

export const EMBARGOES = kind<Schemas["Embargo"]>("embargoes", (embargo) => embargo.name, {
  members: [
    { name: "name", label: members.name, type: "text", hint: hints.name },
    { name: "reason", label: members.reason, type: "text" },
    ...scopes,
    ...dates,
    handling,
    { name: "is_freighter", label: members.is_freighter, type: "either", options: options(choices.is_freighter) },
    weekdays,
    ...flights,
    { name: "aircraft_code", label: members.aircraft_code, type: "text", isOptional: true },
    { name: "effect", label: members.effect, type: "effect", initial: "FORBID" },
  ],
  columns: [lane, reached(), { label: columns.effect, text: effect }, departures],
});

export const ALLOTMENTS = kind<Schemas["Allotment"]>("allotments", (allotment) => allotment.name, {
  members: [
    { name: "organization_id", label: members.owner, type: "organization", isFixed: true },
    { name: "name", label: members.name, type: "text" },
    { name: "origin", label: members.origin, type: "airport" },
    { name: "destination", label: members.destination, type: "airport" },
    { name: "date_from", label: members.valid_from, type: "date", hint: hints.local },
    { name: "date_to", label: members.valid_to, type: "date" },
    { name: "weight_kg", label: members.weight_kg, type: "number" },
    { name: "volume_m3", label: members.volume_m3, type: "number", isOptional: true, hint: hints.volume },
    weekdays,
    { name: "positions", label: members.positions, type: "number", isOptional: true },
    { name: "release_hours", label: members.release_hours, type: "number", isOptional: true, hint: hints.release },
    { name: "airline_code", label: members.airline_code, type: "text", isOptional: true },
    { name: "flight_number", label: members.flight_number, type: "text", isOptional: true },
  ],
  columns: [
    { label: columns.owner, text: owner, order: { name: "owner", value: owner } },
    lane,
    { label: columns.reach, text: (allotment) => reach({ ...allotment, organization_id: null }) },
    { label: columns.room, text: space },
    {
      label: columns.departures,
      text: (allotment) => period(allotment.date_from, allotment.date_to),
      order: { name: "from", value: (allotment) => allotment.date_from },
    },
    {
      label: columns.release,
      text: (allotment) => texts.before(String(allotment.release_hours)),
      order: { name: "release", value: (allotment) => allotment.release_hours },
    },
  ],
});

/** Members and columns of tags and collections alike. */
const offered = [
  { name: "order", label: members.order, type: "number", isOptional: true, hint: hints.order },
  {
    name: "is_active",
    label: members.offered,
    type: "either",
    initial: "true",
    options: options({ true: yesNo.yes, false: yesNo.no }),
  },
] as const satisfies Member[];
const order = {
  label: columns.order,
  text: (one: { order: number }) => String(one.order),
  order: { name: "order", value: (one: { order: number }) => one.order },
};
const isOffered = {
  label: columns.offered,
  text: (one: { is_active: boolean }) => (one.is_active ? yesNo.yes : yesNo.no),
};

export const TAGS = kind<Schemas["StationTag"]>("tags", (tag) => tag.name, {
  path: "/api/v1/station-tags",
  members: [
    { ...code, hint: hints.slug },
    { name: "name", label: members.name, type: "text" },
    { name: "color", label: members.color, type: "text", hint: hints.color },
    ...offered,
  ],
  columns: [
    { label: members.code, text: (tag) => tag.code, order: { name: "code", value: (tag) => tag.code } },
    { label: members.color, text: (tag) => tag.color },
    order,
    isOffered,
  ],
});

export const COLLECTIONS = kind<Schemas["StationCollection"]>("collections", (collection) => collection.name, {
  path: "/api/v1/station-collections",
  members: [
    { name: "slug", label: members.slug, type: "text", isFixed: true, hint: hints.slug },
    { name: "name", label: members.name, type: "text" },
    { name: "text", label: members.text, type: "prose", isOptional: true },
    { name: "stations", label: members.stations, type: "list", isOptional: true, hint: hints.stations },
    ...offered,
  ],
  columns: [
    {
      label: members.slug,
      text: (collection) => collection.slug,
      order: { name: "slug", value: (collection) => collection.slug },
    },
    { label: members.stations, text: (collection) => collection.stations.join(", ") || words.booking.none },
    order,
    isOffered,
  ],
});

// What a lane has cost, as charts show it: one for each currency, since amounts of several are not compared.
import type { Schemas } from "../../api/problem";
import { periodOf, periods, type Period } from "../../parts/charts/scale";
import { words } from "../../words";
import { addDays, dateText, fullDate, money, monthOf, percent, shortDate } from "../../words/format";
import { weightUnit } from "../../words/units";

type Series = Schemas["RateSeries"];
type Point = Schemas["RatePoint"];

export const PERIODS = ["day", "week", "month"] as const;
/** How many days are shown by day, week and month. */
const DAYS = { day: 30, week: 90, month: 365 } as const;

/** The span that ends today, and what a point of it is about. */
export const spanOf = (today: string, by: Period) => ({ from: addDays(today, 1 - DAYS[by]), to: today, by });

const POUNDS = 0.45359237;

/** An amount for a kilogram, for one unit of weight: at least two decimals, at most four. */
export function unitRate(perKilogram: string, unit = weightUnit()): number {
  return unit === "kg" ? Number(perKilogram) : Number((Number(perKilogram) * POUNDS).toFixed(4));
}

/** `US$2.45/kg` */
export function rateText(perUnit: number, currency: string): string {
  const whole = perUnit >= 100 && Number.isInteger(perUnit);
  const decimals = whole ? 0 : Math.max(2, String(perUnit).split(".")[1]?.length ?? 0);
  return words.rates.perUnit(money({ amount: perUnit.toFixed(decimals), currency }), weightUnit());
}

/** `+12 %` */
export function changeText(value: number | null): string {
  if (value === null) return words.booking.none;
  return value > 0 ? `+${percent(value)}` : percent(value);
}

/** The source of rates that others publish. Its name is among the texts of feeds. */
export const REFERENCE = "reference";

/** What a series is called; reference rates by their own name, where it is loaded. */
export function sourceName(source: string, reference: string = REFERENCE): string {
  const names: Record<string, string> = { ...words.rates.sources, [REFERENCE]: reference };
  return names[source] ?? source;
}

export interface Entry {
  period: string;
  name: string;
  short: string;
  /** Of each series, what was asked for in the period; nothing if it was not asked. */
  points: (Point | null)[];
  /** What was sold by weight; nothing without sales. */
  own: string | null;
}
export interface Chart {
  currency: string;
  series: Series[];
  entries: Entry[];
}

type Yield = Pick<Schemas["VolumeRow"], "period" | "yield_per_kg">;

const nameOf = (date: string, by: Period): string =>
  by === "month"
    ? monthOf(date)
    : by === "week"
      ? words.rates.week(fullDate(date))
      : `${dateText(date)} ${date.slice(0, 4)}`;

/** A chart for each currency of the series, with the own yield in it. */
export function chartsOf(
  series: readonly Series[],
  yields: readonly Yield[],
  span: { from: string; to: string; by: Period },
): Chart[] {
  const currencies = [...new Set(series.map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const all = series.filter((one) => one.currency === currency);
    const found = all.map(({ points }) => new Map(points.map((point) => [periodOf(point.period, span.by), point])));
    const own = new Map(
      yields.flatMap(({ period, yield_per_kg }) => {
        const amount = yield_per_kg.find((one) => one.currency === currency)?.amount;
        return amount === undefined ? [] : [[periodOf(period, span.by), amount] as const];
      }),
    );
    const entries = periods(span.from, span.to, span.by).map((period) => ({
      period,
      name: nameOf(period, span.by),
      short: span.by === "month" ? monthOf(period) : shortDate(period),
      points: found.map((points) => points.get(period) ?? null),
      own: own.get(period) ?? null,
    }));
    return { currency, series: all, entries };
  });
}

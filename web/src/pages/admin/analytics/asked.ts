// What the reports are about, as it stands in the address.
import { periods, type Period } from "../../../parts/charts/scale";
import { words } from "../../../words/admin";
import { addDays, dateText, fullDate, monthOf, shortDate } from "../../../words/format";

export interface Asked {
  from: string;
  to: string;
  by: Period;
  origin?: string;
  destination?: string;
  airline?: string;
}

export const PERIODS = ["day", "week", "month"] as const;
const FILTERS = ["origin", "destination", "airline"] as const;
const DAYS = 28;

/** Reads the address; what it leaves out is the last 28 days, day by day. */
export function askedOf(query: URLSearchParams, today: string): Asked {
  const to = query.get("to") || today;
  const by = PERIODS.find((it) => it === query.get("by")) ?? "day";
  // The API refuses what is no date, and its fault stands at the field.
  const earlier = Number.isNaN(Date.parse(to)) ? today : addDays(to, 1 - DAYS);
  const filters = FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value);
  return { from: query.get("from") || earlier, to, by, ...Object.fromEntries(filters) };
}

/** `Wed 2 Dec 2026`, `Week from 30 Nov 2026` or `Dec 2026`. */
export function periodName(date: string, by: Period): string {
  if (by === "month") return monthOf(date);
  if (by === "week") return words.admin.analytics.week(fullDate(date));
  return `${dateText(date)} ${date.slice(0, 4)}`;
}

/** The same, for an axis. */
export const periodLabel = (date: string, by: Period): string => (by === "month" ? monthOf(date) : shortDate(date));

interface Row {
  period: string;
}

/** All periods of a report's span, each with its row; none where nothing was counted. */
export function perPeriod<R extends Row>(report: { from: string; to: string; rows: readonly R[] }, by: Period) {
  const found = new Map(report.rows.map((row) => [row.period, row]));
  return periods(report.from, report.to, by).map((period) => ({
    period,
    name: periodName(period, by),
    short: periodLabel(period, by),
    row: found.get(period) ?? null,
  }));
}

/** `DEL – LHR` of a lane's key. */
export const laneText = (key: string): string => key.replace("-", " – ");

/** `1 Nov 2026 to 28 Nov 2026` */
export const spanText = (span: { from: string; to: string }): string =>
  words.admin.analytics.span(fullDate(span.from), fullDate(span.to));

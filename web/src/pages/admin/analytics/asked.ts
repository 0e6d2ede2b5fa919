// What the reports are about, as it stands in the address.
import { lastOf, periods, type Period } from "../../../parts/charts/scale";
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

/** Spans that move with the day on which they are read; the address names them. */
export const SPANS = ["7d", "30d", "90d", "this-month", "last-month"] as const;
export type Span = (typeof SPANS)[number];

export const PERIODS = ["day", "week", "month"] as const;
const FILTERS = ["origin", "destination", "airline"] as const;
const DAYS = 28;

export const spanOf = (query: URLSearchParams): Span | null => SPANS.find((it) => it === query.get("span")) ?? null;

/** The first and the last day of a span, read on a day. */
function daysOf(span: Span, today: string): { from: string; to: string } {
  const first = `${today.slice(0, 7)}-01`;
  if (span === "this-month") return { from: first, to: today };
  const before = addDays(first, -1);
  if (span === "last-month") return { from: `${before.slice(0, 7)}-01`, to: before };
  return { from: addDays(today, 1 - parseInt(span, 10)), to: today };
}

/** Reads the address; what it leaves out is the last 28 days, day by day. */
export function askedOf(query: URLSearchParams, today: string): Asked {
  const span = spanOf(query);
  const by = PERIODS.find((it) => it === query.get("by")) ?? "day";
  const filters = FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value);
  return { ...(span ? daysOf(span, today) : datesOf(query, today)), by, ...Object.fromEntries(filters) };
}

function datesOf(query: URLSearchParams, today: string): { from: string; to: string } {
  const to = query.get("to") || today;
  // The API refuses what is no date, and its fault stands at the field.
  const earlier = Number.isNaN(Date.parse(to)) ? today : addDays(to, 1 - DAYS);
  return { from: query.get("from") || earlier, to };
}

/** What searches are asked about: of them only the lane is known. */
export function ofLanes({ from, to, by, origin, destination }: Asked) {
  return { from, to, by, ...(origin ? { origin } : {}), ...(destination ? { destination } : {}) };
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
    // Of the first and the last period, the days in the span.
    from: period < report.from ? report.from : period,
    to: lastOf(period, by) > report.to ? report.to : lastOf(period, by),
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

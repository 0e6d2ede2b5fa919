// The arithmetic of charts: round axes, spans in periods, shares.
import { addDays } from "../../words/format";

export type Period = "day" | "week" | "month";

/** Round values from 0 to at least `most`, some four steps apart, each a multiple of `finest` (a whole number, or 0.1). */
export function ticks(most: number, finest = 1): number[] {
  if (!(most > 0)) return [0, 1];
  const step = stepOf(Math.max(most / 4, finest));
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => multiple(index, step));
}

/** Round values from at most `least` to at least `most`, some four steps apart, for lines that lie far from 0. */
export function ticksBetween(least: number, most: number, finest = 0.01): number[] {
  const step = stepOf(Math.max((most - least) / 4, Math.abs(most) / 40, finest));
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) => multiple(first + index, step));
}

/** The round number that is at least this. */
function stepOf(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  return ([1, 2, 5, 10].find((it) => it * power >= raw * (1 - 1e-9)) ?? 10) * power;
}

/** Dividing by the inverse keeps 0.3 from becoming 0.30000000000000004. */
const multiple = (index: number, step: number): number => (step < 1 ? index / Math.round(1 / step) : index * step);

/** A label stands below each n-th column, so that labels of this width do not touch. */
export const labelEvery = (columnWidth: number, labelWidth: number): number =>
  columnWidth > 0 ? Math.max(1, Math.ceil(labelWidth / columnWidth)) : 1;

/** The first date of the day, week (from Monday) or month in which a date is. */
export function periodOf(date: string, by: Period): string {
  if (by === "month") return `${date.slice(0, 7)}-01`;
  if (by === "day") return date;
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return addDays(date, -((weekday + 6) % 7));
}

/** The first date of the period after the one that begins on `date`: 32 days after the first of a month is a day of the next one. */
const following = (date: string, by: Period): string => periodOf(addDays(date, { day: 1, week: 7, month: 32 }[by]), by);

/** The last date of the period that begins on `date`. */
export const lastOf = (date: string, by: Period): string => addDays(following(date, by), -1);

/** The first dates of all periods of a span, also of those in which nothing was counted. */
export function periods(from: string, to: string, by: Period): string[] {
  const all: string[] = [];
  for (let date = periodOf(from, by); date <= to; date = following(date, by)) all.push(date);
  return all;
}

/** Percent; null of nothing. */
export const share = (part: number, whole: number): number | null => (whole > 0 ? (part / whole) * 100 : null);

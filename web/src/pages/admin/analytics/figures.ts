// Figures of reports as they are written; a dash where there is none.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words";
import { co2e, money, percent } from "../../../words/format";

export const percentText = (value: number | null): string => (value === null ? words.booking.none : percent(value));

/** `+12 %` */
export function changeText(value: number | null): string {
  if (value === null) return words.booking.none;
  return value > 0 ? `+${percent(value)}` : percent(value);
}

export const emissionsText = (value: number | null): string => (value === null ? words.booking.none : co2e(value));

/** Each currency by itself. */
export const revenueText = (revenue: readonly Schemas["Money"][]): string =>
  revenue.length === 0 ? words.booking.none : revenue.map(money).join(" · ");

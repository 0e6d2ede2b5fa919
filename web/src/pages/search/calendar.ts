// The prices of a month, as its calendar shows them.
import type { Schemas } from "../../api/problem";
import { addDays, number } from "../../words/format";
import type { Asked } from "./asked";
import { monthAddress, type Day } from "./days";
import { hasPrices } from "./prices";

/** The address for the prices of a month; nothing if it is over. */
export const monthPricesAddress = (asked: Asked, month: string, today: string): string | null =>
  hasPrices(asked) && month >= today.slice(0, 7) ? monthAddress(asked, month) : null;

/** The month of a date: `2026-12`. */
export const monthIn = (date: string): string => date.slice(0, 7);

/** The month so many months after another one. */
export function addMonths(month: string, months: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7);
}

/** The dates of a month in weeks from Monday; nothing where a week has days of another month. */
export function weeksOf(month: string): (string | null)[][] {
  const first = `${month}-01`;
  const before = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7;
  const begin = addDays(first, -before);
  const weeks: (string | null)[][] = [];
  for (let monday = begin; monday < first || monthIn(monday) === month; monday = addDays(monday, 7))
    weeks.push(
      Array.from({ length: 7 }, (_, index) => addDays(monday, index)).map((date) =>
        monthIn(date) === month ? date : null,
      ),
    );
  return weeks;
}

/** The one currency of all prices; nothing if there are none, or several. */
export function onlyCurrency(days: readonly Day[]): string | null {
  const codes = new Set(days.flatMap(({ price }) => (price ? [price.currency] : [])));
  return codes.size === 1 ? ([...codes][0] ?? null) : null;
}

/** A price for a narrow cell: without its currency, and from 100 on without decimals, rounded up so that it is not exceeded. */
export function shortPrice(price: Schemas["Money"]): string {
  const value = Number(price.amount);
  const decimals = price.amount.split(".")[1]?.length ?? 0;
  return value < 100 ? number(value, decimals, decimals) : number(Math.ceil(value));
}

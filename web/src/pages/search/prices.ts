// Prices of days, which the strip of days and the calendar of a month share.
import { addDays } from "../../words/format";
import { daysAddress, readDays, type Day } from "./days";
import type { Asked } from "./asked";

/** How long prices that were read are shown again without another request. */
const KEPT_MS = 5 * 60_000;

/** Prices that were read, so that the same days are asked for once: a month of them costs five requests of the quota. */
export class DayPrices {
  readonly #kept = new Map<string, { at: number; days: Promise<Day[]> }>();

  constructor(
    private readonly ask: (address: string) => Promise<Day[]> = readDays,
    private readonly now: () => number = Date.now,
  ) {}

  read(address: string): Promise<Day[]> {
    const kept = this.#kept.get(address);
    if (kept && this.now() - kept.at < KEPT_MS) return kept.days;
    const days = this.ask(address);
    this.#kept.set(address, { at: this.now(), days });
    days.catch(() => {
      if (this.#kept.get(address)?.days === days) this.#kept.delete(address);
    });
    return days;
  }
}

/** Prices are asked for with a weight. */
export const hasPrices = (asked: Asked): boolean => asked.weight.trim() !== "";

/** The address for the prices of days from a date on that are not over; nothing if all are, or without a weight. */
export function pricesAddress(asked: Asked, start: string, days: number, today: string): string | null {
  if (!hasPrices(asked) || !start) return null;
  const from = start < today ? today : start;
  const left = Array.from({ length: days }, (_, index) => addDays(start, index)).filter((date) => date >= from).length;
  return left > 0 ? daysAddress(asked, from, left, true) : null;
}

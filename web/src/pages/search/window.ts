// When to book: what could be booked so many days before the departure.
import type { Schemas } from "../../api/problem";
import { words } from "../../words";
import { number, percent } from "../../words/format";
import { rateText, unitRate } from "./history";

type Day = Schemas["RateWindow"];

/** From the earliest day to that of the departure; nothing if no departure was asked for. */
export const windowOf = (days: readonly Day[]): Day[] =>
  days.some((day) => day.bookable_percent !== null) ? days.toSorted((a, b) => b.days_before - a.days_before) : [];

/** The cells of a day: its number, the share that could be booked, the lowest and the average price. */
export const windowRow = ({ days_before, bookable_percent, currency, low, average }: Day): string[] => [
  number(days_before),
  bookable_percent === null ? words.booking.none : percent(bookable_percent),
  ...[low, average].map((rate) =>
    rate === null || currency === null ? words.booking.none : rateText(unitRate(rate), currency),
  ),
];

// What cancelling costs, in words: until when which part of the price is kept.
import type { Schemas } from "../../api/problem";
import { words } from "../../words";
import { number, percent } from "../../words/format";

type Fee = Schemas["PaymentOptions"]["cancellation_fees"][number];
const texts = words.book.cancellingTerms;

/** `Until 12 hours before the first departure: 25 % of the price.`, in order of time; `fees` have falling hours. */
export function cancellingTerms(fees: readonly Fee[]): string[] {
  // All is kept after the last of them, also where it says so itself.
  const parts = fees.slice(0, fees.findLastIndex((fee) => fee.percent < 100) + 1);
  const terms = parts
    // Of equal parts the last one says until when.
    .filter((fee, at) => fee.percent !== parts[at + 1]?.percent)
    .map((fee) => texts.term(until(fee.hours), fee.percent === 0 ? texts.nothing : texts.part(percent(fee.percent))));
  return [...terms, texts.term(terms.length > 0 ? texts.after : texts.always, texts.all)];
}

const until = (hours: number) => (hours === 0 ? texts.untilDeparture : texts.until(hours, number(hours)));

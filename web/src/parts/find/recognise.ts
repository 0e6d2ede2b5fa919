// What a text can be that is typed into “Find anything”: people type numbers with blanks, dashes and in small letters.
import { language, type Language } from "../../words/language";
import { awbFault, awbNumber } from "../awb";

export interface Recognised {
  /** `ACB123456789` */
  reference: string | null;
  /** `020-12345675` */
  awb: string | null;
  /** It is one of these numbers and nothing else: the letters of a reference were typed, or an air waybill number that is valid. */
  isCertain: boolean;
  flight: { number: string; date: string | null } | null;
}

/** Returns the numbers that a text has the form of. A date without a year is the nearest one to `today` (`2026-12-02`). */
export function recognise(typed: string, today: string, shown: Language = language): Recognised {
  const text = typed.trim().toUpperCase();
  const [reference, awb] = [referenceOf(text), awbOf(text)];
  const isCertain = awb !== null || (reference !== null && text.startsWith("ACB"));
  return { reference, awb, isCertain, flight: flightOf(text, today, shown) };
}

function referenceOf(text: string): string | null {
  const bare = text.replace(/[\s\p{Pd}]/gu, "");
  // References of nine and ten digits are also known without their letters; eleven are those of an air waybill.
  const digits = /^(?:ACB(\d{5,12})|(\d{9,10}))$/.exec(bare);
  return digits ? `ACB${digits[1] ?? digits[2] ?? ""}` : null;
}

function awbOf(text: string): string | null {
  const number = awbNumber(text.replace(/^(?:[MH]?AWB|AIR WAYBILL)[\s.:#]*/, ""));
  return /^\d{3}-\d{8}$/.test(number) && awbFault(number) === null ? number : null;
}

/** What follows the number is a date, or it is no flight: none of another day than the one that is meant is offered. */
function flightOf(text: string, today: string, language: Language): Recognised["flight"] {
  const found = /^([A-Z]\d|\d[A-Z]|[A-Z]{2})[\s-]*0{0,3}([1-9]\d{0,3}[A-Z]?)(?:[\s/,]+(\d.*))?$/.exec(text);
  if (!found) return null;
  const [, airline = "", number = "", typed] = found;
  const date = typed === undefined ? null : dateOf(typed, today, language);
  return typed !== undefined && date === null ? null : { number: airline + number, date };
}

/** Reads `2026-12-02`, `02DEC`, `2 Dec` and `02DEC26`; in German also `2. Dez.` and `2.12.2026`. */
function dateOf(text: string, today: string, language: Language): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso) return valid(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const figures = language === "de" ? /^(\d{1,2})\.\s*(\d{1,2})(?:\.\s*(?:(?:20)?(\d{2}))?)?$/.exec(text) : null;
  if (figures) return near(Number(figures[1]), Number(figures[2]), figures[3], today);
  const found = /^(\d{1,2})[\s.-]*(\p{L}{3})\p{L}*\.?[\s-]*(?:(?:20)?(\d{2}))?$/u.exec(text);
  return found ? near(Number(found[1]), monthOf(found[2] ?? "", language), found[3], today) : null;
}

/** The number of a month by its first letters, in English or in the language that is shown; 0 for none. */
function monthOf(letters: string, language: Language): number {
  const of = (tag: Language) => {
    const names = new Intl.DateTimeFormat(tag, { month: "long", timeZone: "UTC" });
    return Array.from({ length: 12 }, (_, month) =>
      names
        .format(Date.UTC(2000, month, 1))
        .slice(0, 3)
        .toUpperCase(),
    );
  };
  return of("en").indexOf(letters) + 1 || of(language).indexOf(letters) + 1;
}

/** A date of a year in two figures; without one, in the nearest year. */
function near(day: number, month: number, year: string | undefined, today: string): string | null {
  if (year) return valid(2000 + Number(year), month, day);
  const now = Number(today.slice(0, 4));
  const distance = (date: string) => Math.abs(Date.parse(date) - Date.parse(today));
  const candidates = [now - 1, now, now + 1].map((it) => valid(it, month, day)).filter((it) => it !== null);
  return candidates.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function valid(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.toISOString().slice(0, 10) : null;
}

// What a text can be that is typed into “Find anything”: people type numbers with blanks, dashes and in small letters.
import { awbFault, awbNumber } from "../awb";

export interface Recognised {
  /** `ACB123456789` */
  reference: string | null;
  /** `020-12345675` */
  awb: string | null;
  flight: { number: string; date: string | null } | null;
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** Returns the numbers that a text has the form of. A date without a year is the nearest one to `today` (`2026-12-02`). */
export function recognise(typed: string, today: string): Recognised {
  const text = typed.trim().toUpperCase();
  return { reference: referenceOf(text), awb: awbOf(text), flight: flightOf(text, today) };
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

function flightOf(text: string, today: string): Recognised["flight"] {
  const found = /^([A-Z]\d|\d[A-Z]|[A-Z]{2})[\s-]*0{0,3}([1-9]\d{0,3}[A-Z]?)(?:[\s/,]+(\d.*))?$/.exec(text);
  if (!found) return null;
  const [, airline = "", number = "", date = ""] = found;
  return { number: airline + number, date: dateOf(date, today) };
}

/** Reads `2026-12-02`, `02DEC`, `2 Dec` and `02DEC26`. */
function dateOf(text: string, today: string): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso) return valid(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const found = /^(\d{1,2})[\s.-]*([A-Z]{3})[A-Z]*\.?[\s-]*(?:(?:20)?(\d{2}))?$/.exec(text);
  const month = MONTHS.indexOf(found?.[2] ?? "") + 1;
  if (!found || month === 0) return null;
  const day = Number(found[1]);
  if (found[3]) return valid(2000 + Number(found[3]), month, day);
  const year = Number(today.slice(0, 4));
  const distance = (date: string) => Math.abs(Date.parse(date) - Date.parse(today));
  const candidates = [year - 1, year, year + 1].map((it) => valid(it, month, day)).filter((it) => it !== null);
  return candidates.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function valid(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.toISOString().slice(0, 10) : null;
}

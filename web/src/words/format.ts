// Numbers, quantities and times as the console writes them everywhere.
import { words } from "./index";
import { locale } from "./language";

const numbers = new Map<string, Intl.NumberFormat>();

/** With `digits` decimals at most, and `least` at least. */
export function number(value: number, digits = 0, least = 0): string {
  const key = `${digits}:${least}`;
  let format = numbers.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: least });
    numbers.set(key, format);
  }
  return format.format(value);
}

export const kilograms = (value: number): string => `${number(value, 1)} kg`;
/** `511.3 kg CO2e`. */
export const co2e = (value: number): string => `${kilograms(value)} CO2e`;
export const cubicMetres = (value: number): string => `${number(value, 3)} m³`;
export const percent = (value: number): string => `${number(value, 1)} %`;

/** `{"amount": "123.45", "currency": "INR"}`; the amount is never calculated with. */
export function money(value: { amount: string; currency: string }): string {
  const digits = value.amount.split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency: value.currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(Number(value.amount));
}

/** `9 h 20 min`. */
export function duration(minutes: number): string {
  const whole = Math.max(0, Math.round(minutes));
  const hours = Math.floor(whole / 60);
  const rest = whole % 60;
  if (hours === 0) return words.time.minutes(rest);
  return rest === 0 ? words.time.hours(number(hours)) : words.time.both(number(hours), rest);
}

/** `4:07`, `1:02:09`, or `2 days 5 h`, for countdowns. */
export function remaining(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  if (hours >= 24) return words.time.days(Math.floor(hours / 24), hours % 24);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `9 days`, `5 hours`, `40 minutes`: in the largest unit, rounded. */
export function span(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  if (minutes < 90) return words.time.span.minutes(minutes);
  const hours = Math.round(minutes / 60);
  return hours < 36 ? words.time.span.hours(hours) : words.time.span.days(Math.round(hours / 24));
}

interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const walls = new Map<string, Intl.DateTimeFormat>();

/** What the clock of a zone shows at an instant. */
export function wallClock(instant: Date, zone: string): Wall {
  let format = walls.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    walls.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(instant).map((part) => [part.type, Number(part.value)]));
  return parts as unknown as Wall;
}

/** The zone's short name: `IST`, or `+05:30` where it has none. */
export function zoneName(instant: Date, zone: string): string {
  for (const locale of ["en-IN", "en-GB", "en-US", "en-AU"]) {
    const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "short" }).formatToParts(instant);
    const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
    if (name && !/^(GMT|UTC)[+-]/.test(name)) return name;
  }
  return offsetOf(instant, zone);
}

function offsetOf(instant: Date, zone: string): string {
  const wall = wallClock(instant, zone);
  const local = Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute);
  const minutes = Math.round((local - Math.floor(instant.getTime() / 60_000) * 60_000) / 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const clockText = (wall: Wall) => `${String(wall.hour).padStart(2, "0")}:${String(wall.minute).padStart(2, "0")}`;
const dayNumber = (wall: Wall) => Date.UTC(wall.year, wall.month - 1, wall.day) / 86_400_000;

export interface TimeParts {
  /** `Wed 2 Dec` */
  date: string;
  /** `14:05` */
  time: string;
  /** `IST` */
  zone: string;
  /** `08:35Z` */
  utc: string;
  /** `+1` where the date of UTC, or of the moment to compare with, is another one; else empty. */
  shift: string;
}

/** The parts of an instant at a station. `since` is another instant, whose local date counts as day 0. */
export function timeParts(at: string, zone: string, since?: { at: string; zone: string }): TimeParts {
  const instant = new Date(at);
  const wall = wallClock(instant, zone);
  const utc = wallClock(instant, "UTC");
  const base = since ? wallClock(new Date(since.at), since.zone) : wall;
  const days = dayNumber(wall) - dayNumber(base);
  const utcDays = dayNumber(utc) - dayNumber(wall);
  return {
    date: dateOf(wall),
    time: clockText(wall),
    zone: zone === "UTC" ? "UTC" : zoneName(instant, zone),
    utc: `${clockText(utc)}Z${signed(utcDays)}`,
    shift: signed(days),
  };
}

const signed = (days: number): string => (days === 0 ? "" : days > 0 ? `+${days}` : `−${-days}`);

function dateOf(wall: Wall): string {
  const weekday = new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay();
  return `${words.time.weekday(weekday)} ${words.time.day(wall.day, wall.month)}`;
}

/** `Wed 2 Dec 14:05 IST · 08:35Z` */
export function timeText(at: string, zone: string): string {
  const parts = timeParts(at, zone);
  return `${parts.date} ${parts.time} ${parts.zone} · ${parts.utc}`;
}

/** `Wed 2 Dec` of a local date `2026-12-02`. */
export function dateText(date: string): string {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return dateOf({ year, month, day, hour: 0, minute: 0 });
}

/** `2 Dec 2026` of a date `2026-12-02`. */
export function fullDate(date: string): string {
  const [year = "", month = "1", day = "1"] = date.split("-");
  return `${words.time.day(Number(day), Number(month))} ${year}`;
}

/** `Mon` of ISO 8601's 1, `Sun` of 7. */
export const weekday = (day: number): string => words.time.weekday(day % 7);

const countries = new Intl.DisplayNames(locale, { type: "region", fallback: "code" });

/** `United Kingdom` of `GB`, in the language of the texts. */
export function country(code: string): string {
  const known = code.toUpperCase();
  return /^[A-Z]{2}$/.test(known) ? (countries.of(known) ?? code) : code;
}

/** `Germany (DE)`; a code without a name is shown alone. */
export function countryText(code: string): string {
  const name = country(code);
  return name === code ? code : `${name} (${code.toUpperCase()})`;
}

/** The local date of an instant: `2026-12-02`. */
export function localDate(instant: Date, zone: string): string {
  const wall = wallClock(instant, zone);
  return `${wall.year}-${String(wall.month).padStart(2, "0")}-${String(wall.day).padStart(2, "0")}`;
}

export function addDays(date: string, days: number): string {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, day + days)).toISOString().slice(0, 10);
}

/** What a zone's clock shows, as a date and time are entered: `2026-12-02T14:05`. */
export function localTime(at: string, zone: string): string {
  const instant = new Date(at);
  return `${localDate(instant, zone)}T${clockText(wallClock(instant, zone))}`;
}

/** The instant of a date and time as they are entered; nothing where the zone's clock skips that time. */
export function fromLocal(entered: string, zone: string): string | null {
  const [date = "", time = ""] = entered.split("T");
  return instantOf(date, time, zone)?.toISOString() ?? null;
}

const DAY_MS = 86_400_000;
const wallMillis = (instant: number, zone: string): number => {
  const wall = wallClock(new Date(instant), zone);
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute);
};

/** The instant at which a zone's clock shows a local time: the earlier one where it shows it twice, none where it skips it. */
export function instantOf(date: string, time: string, zone: string): Date | null {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  const wanted = Date.UTC(year, month - 1, day, hour, minute);
  // The zone's offsets a day before and a day after: a change of the clock lies between them.
  const guesses = [wanted - DAY_MS, wanted + DAY_MS].map((probe) => wanted - (wallMillis(probe, zone) - probe));
  const found = guesses.sort((a, b) => a - b).find((guess) => wallMillis(guess, zone) === wanted);
  return found === undefined ? null : new Date(found);
}

/** `2 Dec` of a date, where the year stands elsewhere. */
export function shortDate(date: string): string {
  const [, month = "1", day = "1"] = date.split("-");
  return words.time.day(Number(day), Number(month));
}

/** `Dec 2026` of a date. */
export function monthOf(date: string): string {
  const [year = "", month = "1"] = date.split("-");
  return `${words.time.month(Number(month))} ${year}`;
}

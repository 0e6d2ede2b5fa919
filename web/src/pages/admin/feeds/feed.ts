// Feeds, their runs, and what runs do, in words.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words/feeds";
import { cubicMetres, fullDate, number } from "../../../words/format";
import { weightText } from "../../../words/units";

export type Feed = Schemas["Feed"];
export type Run = Schemas["FeedRun"];
export type Difference = Schemas["FeedDifference"];
type Terms = Schemas["FlightTerms"];

export const KINDS = ["FLIGHTS", "SEASON", "TARIFFS", "REFERENCE_RATES"] as const;
export const FORMATS = ["CSV", "XLSX", "SSIM"] as const;
export const STATUSES = ["ACTIVE", "PAUSED", "FAILING"] as const;
export const RUN_STATUSES = ["RUNNING", "REVIEW", "APPLIED", "UNCHANGED", "REJECTED", "FAILED"] as const;
export const EFFECTS = ["REFUSED", "ABSENT", "CHANGED", "NEW"] as const;

const { workbook, byHand, runs, differences } = words.feeds;

/** The text of a word of the API; one that is new stays as it is. */
export const named = (texts: Readonly<Record<string, string>>, word: string): string => texts[word] ?? word;

export const formatText = (format: string): string => (format === "XLSX" ? workbook : format);

/** Where the files come from; of an address its host. */
export function sourceText({ url, folder }: Pick<Feed, "url" | "folder">): string {
  if (url) return URL.canParse(url) ? new URL(url).host : url;
  return folder ?? byHand;
}

/** Whether a feed can be run without a file. */
export const hasSource = ({ url, folder }: Pick<Feed, "url" | "folder">): boolean => url !== null || folder !== null;

/** Whether a feed gives flights: only then a run has differences one by one. */
export const isOfFlights = ({ kind }: Pick<Feed, "kind">): boolean => kind === "FLIGHTS" || kind === "SEASON";

const COUNTED = ["created", "updated", "cancelled", "refused", "absent", "kept", "unchanged"] as const;
export type Counts = Pick<Run, (typeof COUNTED)[number] | "faults">;

/** `3 new, 1 changed`; nothing of what there is none. */
export function countsText(run: Counts): string {
  const counted = COUNTED.filter((name) => run[name] > 0).map((name) => runs.counts[name](number(run[name])));
  const faulty = run.faults > 0 ? [runs.counts.faults(run.faults, number(run.faults))] : [];
  return [...faulty, ...counted].join(", ") || words.booking.none;
}

/** What starts a run's sending: the type of its file. */
const TYPES: Record<string, string> = {
  CSV: "text/csv",
  XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  SSIM: "text/plain",
};
export const typeOf = ({ format }: Pick<Feed, "format">): string => TYPES[format] ?? "text/csv";

/** `1 Dec 2026`, or `12 dates, 1 Dec 2026 to 3 Jan 2027`. */
export function datesText(dates: readonly string[]): string {
  const [first, last] = [dates[0] ?? "", dates.at(-1) ?? ""];
  if (dates.length < 2) return first && fullDate(first);
  return differences.days(number(dates.length), fullDate(first), fullDate(last));
}

/** `01:10+1` */
export function clockText(time: string, days: number): string {
  const clock = time.endsWith(":00") && time.length === 8 ? time.slice(0, 5) : time;
  return days === 0 ? clock : `${clock}${days > 0 ? "+" : "-"}${Math.abs(days)}`;
}

/** Each member of the terms of a flight, as it is shown. */
const shown = (terms: Terms): Record<keyof typeof differences.members, string> => ({
  destination: terms.destination,
  departure: clockText(terms.departure_time, terms.departure_day_offset),
  arrival: clockText(terms.arrival_time, terms.arrival_day_offset),
  aircraft_code: terms.aircraft_code ?? words.booking.none,
  weight_kg: weightText(terms.weight_kg),
  volume_m3: cubicMetres(terms.volume_m3),
  positions: words.parts.positions(terms.positions, number(terms.positions)),
  cutoff_minutes: differences.minutes(number(terms.cutoff_minutes)),
});

/** `LHR, 10:00–14:30, 77X, 102,000 kg, …` */
export function termsText(terms: Terms): string {
  const { destination, departure, arrival, weight_kg, volume_m3, positions } = shown(terms);
  const aircraft = terms.aircraft_code ? [terms.aircraft_code] : [];
  const times = differences.times(departure, arrival);
  const cutoff = differences.cutoff(number(terms.cutoff_minutes));
  return [destination, times, ...aircraft, weight_kg, volume_m3, positions, cutoff].join(", ");
}

/** What becomes of flights: of changed ones each member that changes, of others what they are. */
export function changesOf({ from, to }: Pick<Difference, "from" | "to">): string[] {
  if (!to) return [];
  if (!from) return [termsText(to)];
  const [was, is] = [shown(from), shown(to)];
  const members = Object.entries(differences.members) as [keyof typeof was, string][];
  return members
    .filter(([name]) => was[name] !== is[name])
    .map(([name, label]) => differences.member(label, was[name], is[name]));
}

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** A line in two at a sign; without it, all of it is the first. */
function parted(line: string, at: number): [string, string] {
  return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

/** Headers as they are typed: `Authorization: Bearer …`. Those of a feed are never shown. */
export const HEADERS = {
  typed: () => "",
  sent: (text: string): Schemas["FeedHeader"][] =>
    linesOf(text).map((line) => {
      const [name, value] = parted(line, line.indexOf(":"));
      return { name, value };
    }),
};

/** Columns as they are typed: `Flt No = flight_number`. Names of the import have no such sign. */
export const COLUMNS = {
  typed: (value: unknown): string =>
    (value as Schemas["FeedColumn"][]).map(({ given, column }) => `${given} = ${column}`).join("\n"),
  sent: (text: string): Schemas["FeedColumn"][] =>
    linesOf(text).map((line) => {
      const [given, column] = parted(line, line.lastIndexOf("="));
      return { given, column };
    }),
};

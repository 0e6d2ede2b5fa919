// What a station says, in words: whether its desks are open, its rules of acceptance, its notices.
import type { Schemas } from "../../api/problem";
import { duration, fullDate, number, wallClock, weekday } from "../../words/format";
import { words } from "../../words/stations";

export type Station = Schemas["Station"];
export type Entry = Schemas["StationEntry"];
export type Hours = Schemas["StationHours"];
export type Desk = Schemas["StationDesk"];
export type Topic = Schemas["StationTipTopic"];
export type ModeratedTip = Schemas["ModeratedTip"];

const texts = words.stations;
export const DESKS = ["EXPORT", "IMPORT", "CUSTOMS"] as const satisfies readonly Desk[];
export const TOPICS = ["ACCEPTANCE", "CUSTOMS", "TRAFFIC", "SAFETY", "OTHER"] as const satisfies readonly Topic[];
export type Capability = keyof typeof texts.capabilityNames;
export const CAPABILITIES = Object.keys(texts.capabilityNames) as Capability[];

export const capabilityIn = (text: string | null): Capability | undefined => CAPABILITIES.find((one) => one === text);
/** A capability of a later release is shown by its code. */
export const capabilityName = (capability: string): string => {
  const known = capabilityIn(capability);
  return known ? texts.capabilityNames[known] : capability;
};
export const deskName = (desk: string): string => (texts.desks as Record<string, string>)[desk] ?? desk;
export const topicName = (topic: string): string => (words.tips.topics as Record<string, string>)[topic] ?? topic;
/** `Delhi (DEL)` */
export const placeText = ({ city, iata_code }: { city: string; iata_code: string }): string => `${city} (${iata_code})`;

const DAY = 24 * 60;
const WEEK = 7 * DAY;

interface Span {
  /** Minutes since Monday, 00:00. */
  from: number;
  to: number;
}
/** A time of the week: the weekday, 1 is Monday, and the time of day. */
export interface Moment {
  day: number;
  time: string;
}
export interface Openness {
  isOpen: boolean;
  /** When it closes, or opens next; nothing: never. */
  changes: Moment | null;
}

const minutesOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
};
const two = (value: number) => String(value).padStart(2, "0");
const momentOf = (minute: number): Moment => {
  const inWeek = minute % WEEK;
  const ofDay = inWeek % DAY;
  return { day: Math.floor(inWeek / DAY) + 1, time: `${two(Math.floor(ofDay / 60))}:${two(ofDay % 60)}` };
};

/** The times in which a desk is open, in their order; those that adjoin are one, but for the end of the week. */
function spansOf(hours: readonly Hours[], desk: Desk): Span[] {
  const all = hours
    .filter((one) => one.desk === desk)
    .flatMap((one) =>
      one.days.map((day) => ({
        from: (day - 1) * DAY + minutesOf(one.from),
        to: (day - 1) * DAY + minutesOf(one.to),
      })),
    )
    .toSorted((a, b) => a.from - b.from);
  const spans: Span[] = [];
  for (const span of all) {
    const last = spans.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else spans.push({ ...span });
  }
  return spans;
}

/** Whether a desk is open at an instant, by the clock of the station, and until when. */
export function openness(hours: readonly Hours[], desk: Desk, now: Date, zone: string): Openness {
  const { year, month, day, hour, minute } = wallClock(now, zone);
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  const at = weekday * DAY + hour * 60 + minute;
  const spans = spansOf(hours, desk);
  const first = spans[0];
  if (!first) return { isOpen: false, changes: null };
  if (first.from === 0 && first.to === WEEK) return { isOpen: true, changes: null };
  const current = spans.find((span) => span.from <= at && at < span.to);
  if (current) {
    // Open over the end of the week.
    const isOver = current.to === WEEK && first.from === 0;
    return { isOpen: true, changes: momentOf(isOver ? first.to : current.to) };
  }
  const next = spans.find((span) => span.from > at) ?? first;
  return { isOpen: false, changes: momentOf(next.from) };
}

/** `Open until Mon 22:00` */
export function opennessText({ isOpen, changes }: Openness): string {
  if (!changes) return isOpen ? `${texts.open}, ${texts.always}` : texts.closed;
  const at = `${weekday(changes.day)} ${changes.time}`;
  return isOpen ? `${texts.open} ${texts.until(at)}` : `${texts.closed}, ${texts.opens(at)}`;
}

/** `Mon–Fri, Sun` */
export function daysText(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of days.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last.at(-1) === day - 1) last.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) => {
      const [first = 1, last = first] = [run[0], run.at(-1)];
      if (run.length === 1) return weekday(first);
      return run.length === 2 ? `${weekday(first)}, ${weekday(last)}` : `${weekday(first)}–${weekday(last)}`;
    })
    .join(", ");
}

/** `Mon–Fri 06:00–22:00` */
export const hoursText = ({ days, from, to }: Hours): string => `${daysText(days)} ${from}–${to}`;

/** The desks that have hours, in their order. */
export const desksOf = (hours: readonly Hours[]): Desk[] =>
  DESKS.filter((desk) => hours.some((one) => one.desk === desk));

/** To what a rule of acceptance applies: `EXPRESS · AVI`. */
export const ruleScope = ({ product, handling_code }: Schemas["StationAcceptance"]): string =>
  [product, handling_code].filter(Boolean).join(" · ") || texts.allFreight;
export const ruleTime = ({ minutes_before }: Schemas["StationAcceptance"]): string => duration(minutes_before);

export const datesText = ({ from, to }: { from: string; to: string }): string =>
  from === to ? fullDate(from) : `${fullDate(from)} – ${fullDate(to)}`;

/** The notices that hold on this local date or later, those of now first. */
export const noticesFrom = (notices: readonly Schemas["StationNotice"][], today: string): Schemas["StationNotice"][] =>
  notices
    .filter((notice) => notice.to >= today)
    .toSorted((a, b) => Number(b.is_current) - Number(a.is_current) || a.from.localeCompare(b.from));

/** `+62.5 %` */
export const growthText = (percent: number): string => `${percent > 0 ? "+" : ""}${number(percent, 1)} %`;

/** The name of the host of a tip's link; nothing for what is no address by https. */
export function hostOf(link: string | null): string | null {
  if (link === null || !URL.canParse(link)) return null;
  const { protocol, host } = new URL(link);
  return protocol === "https:" ? host : null;
}

/** Active ones in the order in which they are shown. */
export const offered = <T extends { is_active: boolean; order: number; name: string }>(all: readonly T[]): T[] =>
  all.filter((one) => one.is_active).toSorted((a, b) => a.order - b.order || a.name.localeCompare(b.name));

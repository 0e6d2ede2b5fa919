// What a station says, as a form has it.
import type { Schemas } from "../../../api/problem";
import { entry, figure } from "../../../words/parse";
import { CAPABILITIES, type Desk, type Station } from "../../stations/station";
import { entries } from "../edit/members";

export interface HoursRow {
  desk: Desk;
  /** `1 2 3` */
  days: string;
  from: string;
  to: string;
}
export interface RuleRow {
  minutes: string;
  product: string;
  code: string;
}
export interface NoticeRow {
  text: string;
  from: string;
  to: string;
}
export interface ContactRow {
  desk: Desk;
  name: string;
  phone: string;
  email: string;
}
export interface Draft {
  summary: string;
  text: string;
  /** A line each. */
  highlights: string;
  tags: string[];
  capabilities: string[];
  hours: HoursRow[];
  acceptance: RuleRow[];
  notices: NoticeRow[];
  contacts: ContactRow[];
}

export const BLANK = {
  hours: (): HoursRow => ({ desk: "EXPORT", days: "1 2 3 4 5", from: "", to: "" }),
  acceptance: (): RuleRow => ({ minutes: "", product: "", code: "" }),
  notices: (): NoticeRow => ({ text: "", from: "", to: "" }),
  contacts: (): ContactRow => ({ desk: "EXPORT", name: "", phone: "", email: "" }),
};

export const draftOf = (station: Station): Draft => ({
  summary: station.summary ?? "",
  text: station.text ?? "",
  highlights: station.highlights.join("\n"),
  tags: [...station.tags],
  capabilities: [...station.capabilities],
  hours: station.hours.map(({ desk, days, from, to }) => ({ desk, days: days.join(" "), from, to })),
  acceptance: station.acceptance.map(({ minutes_before, product, handling_code }) => ({
    minutes: entry(minutes_before),
    product: product ?? "",
    code: handling_code ?? "",
  })),
  notices: station.notices.map(({ text, from, to }) => ({ text, from, to })),
  contacts: (station.contacts ?? []).map(({ desk, name, phone, email }) => ({
    desk,
    name: name ?? "",
    phone: phone ?? "",
    email: email ?? "",
  })),
});

/** Members that are filled in. */
const filled = (members: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value.trim() !== ""));

/** As the API takes it. Rows keep their places, so that faults find them; what is no number goes as it was typed. */
export function bodyOf(draft: Draft): Schemas["ReplaceStation"] {
  const body = {
    ...filled({ summary: draft.summary, text: draft.text }),
    highlights: draft.highlights.split("\n").filter((line) => line.trim() !== ""),
    tags: draft.tags,
    capabilities: draft.capabilities,
    hours: draft.hours.map(({ desk, days, from, to }) => ({ desk, days: entries(days).map(Number), from, to })),
    acceptance: draft.acceptance.map(({ minutes, product, code }) => ({
      ...(minutes.trim() === "" ? {} : { minutes_before: figure(minutes) ?? minutes }),
      ...filled({ product, handling_code: code }),
    })),
    notices: draft.notices.map(filledNotice),
    contacts: draft.contacts.map(({ desk, ...others }) => ({ desk, ...filled(others) })),
  };
  return body as Schemas["ReplaceStation"];
}
const filledNotice = ({ text, from, to }: NoticeRow) => filled({ text, from, to });

/** What is ticked or not, in the order of all; one that is not among them stays to be ticked off. */
export const withChosen = (all: readonly string[], chosen: readonly string[]): string[] => [
  ...all,
  ...chosen.filter((one) => !all.includes(one)),
];
export const capabilitiesWith = (chosen: readonly string[]): string[] => withChosen(CAPABILITIES, chosen);

export const toggled = (chosen: readonly string[], one: string, isOn: boolean): string[] =>
  isOn ? [...chosen.filter((other) => other !== one), one] : chosen.filter((other) => other !== one);

// Figures as people type them: with the separators of the browser's language.
import { language } from "./format";

interface Separators {
  decimal: string;
  group: string;
}

function separators(tag: string | undefined): Separators {
  const parts = new Intl.NumberFormat(tag, { useGrouping: true, numberingSystem: "latn" }).formatToParts(1234567.5);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return { decimal: of("decimal"), group: of("group") };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * The number that a text writes; nothing if it is empty. What is no number is returned as it was typed: the API refuses it,
 * and its fault names the field. `1,000` is a thousand where the language groups digits by commas, and one where its decimals
 * begin with one.
 */
export function figure(text: string, tag = language()): number | string | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  const { decimal, group } = separators(tag);
  // Figures of full width, as Japanese keyboards write them, the minus sign of some languages, and marks of direction.
  const latin = plain
    .normalize("NFKC")
    .replace("\u2212", "-")
    .replace(/[\u061c\u200e\u200f]/g, "");
  // Spaces and apostrophes between digits group them everywhere.
  let bare = latin.replace(/(?<=\d)[\s’'](?=\d{3})/g, "");
  if (
    group &&
    new RegExp(`^\\d{1,3}(${escaped(group)}\\d{2,3})*${escaped(group)}\\d{3}(${escaped(decimal)}\\d+)?$`).test(bare)
  )
    bare = bare.replaceAll(group, "");
  bare = bare.replace(decimal, ".");
  // The other separator, where it can only begin decimals: `120,5` in English.
  if (/^\d+,\d{1,2}$/.test(bare)) bare = bare.replace(",", ".");
  return /^[+-]?\d+(\.\d+)?$/.test(bare) ? Number(bare) : plain;
}

/** The same for a body of the API, whose types know numbers only. */
export const figureOf = (text: string): number | undefined => figure(text) as number | undefined;

/**
 * A figure as addresses have it, whatever the language of the browser that wrote or reads them: `1200.5`. What is no number stays as
 * it was typed.
 */
export const canonical = (text: string, tag = language()): string => String(figure(text, tag) ?? "");

/** The figure of an address; nothing if it is empty. What is not written as addresses have it is no number, and is not guessed. */
export function addressed(text: string): number | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  // A text is for the API, which refuses it and names the field; its types know numbers only.
  return (/^\d+(\.\d+)?$/.test(plain) ? Number(plain) : plain) as number;
}

/** The same, with nothing for what is no number. */
export function addressedNumber(text: string): number | null {
  const value: unknown = addressed(text);
  return typeof value === "number" ? value : null;
}

/** A figure as its reader types it, for fields: `1200,5` in German. What is no number stays. */
export function entry(value: string | number, tag = language()): string {
  const given = typeof value === "number" ? value : /^[+-]?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : null;
  if (given === null) return String(value);
  const format = { useGrouping: false, maximumFractionDigits: 6, numberingSystem: "latn" };
  return new Intl.NumberFormat(tag, format).format(given);
}

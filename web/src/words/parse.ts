// Figures as people type them: with the separators of the language that is shown.
import { locale } from "./language";

interface Separators {
  decimal: string;
  group: string;
}

function separators(tag: string): Separators {
  const separator = (type: "decimal" | "group", form: Intl.NumberFormatOptions): string =>
    new Intl.NumberFormat(tag, { ...form, useGrouping: true, numberingSystem: "latn" })
      .formatToParts(1234567.5)
      .find((part) => part.type === type)?.value ?? "";
  // Spaces group everywhere, and sums of money have what else does: Austria writes `1 200` and `1.200`.
  return { decimal: separator("decimal", {}), group: separator("group", { style: "currency", currency: "EUR" }) };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The first digits of other scripts, and other forms of signs. */
const DIGITS = [0xff10, 0x0660, 0x06f0];
const SIGNS: Record<string, string> = {
  "\uff0e": ".",
  "\uff0c": ",",
  "\uff0b": "+",
  "\uff0d": "-",
  "\u2212": "-",
  // Marks of direction.
  "\u061c": "",
  "\u200e": "",
  "\u200f": "",
};

/** Digits of full width, as Japanese keyboards write them, and Arabic-Indic ones, as Latin ones. Nothing else becomes a digit. */
function latinOf(text: string, decimal: string): string {
  return [...text]
    .map((sign) => {
      if (sign === "\u066b") return decimal;
      const zero = DIGITS.find((first) => sign.charCodeAt(0) >= first && sign.charCodeAt(0) <= first + 9);
      return zero === undefined ? (SIGNS[sign] ?? sign) : String(sign.charCodeAt(0) - zero);
    })
    .join("");
}

/**
 * The number that a text writes; nothing if it is empty. What is no number is returned as it was typed: the API refuses it,
 * and its fault names the field. `1,000` is a thousand where the language groups digits by commas, and one where its decimals
 * begin with one.
 */
export function figure(text: string, tag = locale): number | string | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  const { decimal, group } = separators(tag);
  const latin = latinOf(plain, decimal);
  // Spaces and apostrophes between digits group them everywhere; no group begins a figure with a 0.
  let bare = latin.replace(/(?<=\d)[\s’'\u066c](?=\d{3})/g, "");
  if (/^[+-]?0\d*[\s’'\u066c]/.test(latin)) return plain;
  if (
    group &&
    new RegExp(`^[1-9]\\d{0,2}(${escaped(group)}\\d{2,3})*${escaped(group)}\\d{3}(${escaped(decimal)}\\d+)?$`).test(
      bare,
    )
  )
    bare = bare.replaceAll(group, "");
  bare = bare.replace(decimal, ".");
  // The other separator, where it can only begin decimals: `120,5` and `0,850` in English.
  if (/^(\d+,\d{1,2}|0,\d+)$/.test(bare)) bare = bare.replace(",", ".");
  return /^[+-]?\d+(\.\d+)?$/.test(bare) ? Number(bare) : plain;
}

/** The same for a body of the API, whose types know numbers only. */
export const figureOf = (text: string): number | undefined => figure(text) as number | undefined;

/**
 * A figure as addresses have it, whatever the language of the page that wrote or reads them: `1200.5`. What is no number stays as
 * it was typed.
 */
export const canonical = (text: string, tag = locale): string => String(figure(text, tag) ?? "");

/**
 * The figure of an address; nothing if it is empty. What is not written as addresses have it, such as `1.200`, is no number, and is
 * not guessed.
 */
export function addressed(text: string): number | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  // A text is for the API, which refuses it and names the field; its types know numbers only.
  const isCanonical = /^\d+(\.\d+)?$/.test(plain) && String(Number(plain)) === plain;
  return (isCanonical ? Number(plain) : plain) as number;
}

/** The same, with nothing for what is no number. */
export function addressedNumber(text: string): number | null {
  const value: unknown = addressed(text);
  return typeof value === "number" ? value : null;
}

/** A figure of an address as its reader types it, for fields. What is no number stays, with its fault. */
export function addressedEntry(text: string, tag = locale): string {
  const value = addressedNumber(text);
  return value === null ? text : entry(value, tag);
}

/** A figure as its reader types it, for fields: `1200,5` in German. What is no number stays. */
export function entry(value: string | number, tag = locale): string {
  const given = typeof value === "number" ? value : /^[+-]?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : null;
  if (given === null) return String(value);
  const format = { useGrouping: false, maximumFractionDigits: 6, numberingSystem: "latn" };
  return new Intl.NumberFormat(tag, format).format(given);
}

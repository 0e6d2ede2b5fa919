// Figures as people type them: with the separators of the browser's language.
import { language } from "./format";

interface Separators {
  decimal: string;
  group: string;
}

function separators(tag: string | undefined): Separators {
  const parts = new Intl.NumberFormat(tag, { useGrouping: true }).formatToParts(1234567.5);
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
  // Spaces and apostrophes between digits group them everywhere.
  let bare = plain.replace(/(?<=\d)[\s’'](?=\d{3})/g, "");
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

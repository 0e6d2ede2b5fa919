// A party that is pasted from a spreadsheet: the cells of a row or of a column.
import { countryCode, isCountry } from "../../words/countries";
import type { Party } from "./party";

/** What the cells are, in their order. */
const ORDER = ["name", "street", "city", "postal_code", "country_code", "phone", "email"] as const;

/**
 * The cells of a text as spreadsheets copy them: rows end with a line break, cells with a tab. A cell that has one of these itself is
 * in quotation marks, with two for each of its own.
 */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^\t\r\n]*))(\t|\r?\n|\r|$)/g)) {
    row.push((quoted?.replaceAll('""', '"') ?? plain).replace(/\s+/g, " ").trim());
    if (end === "\t") continue;
    rows.push(row);
    row = [];
    if (end === "") break;
  }
  return rows;
}

/** The values of one row or one column, without empty ones at its end; nothing for a table, which is no single party. */
function cellsOf(text: string): string[] | null {
  const rows = rowsOf(text);
  while (rows.length > 1 && rows.at(-1)?.every((cell) => cell === "")) rows.pop();
  const cells = rows.length === 1 ? rows[0] : rows.every((row) => row.length === 1) ? rows.flat() : undefined;
  if (!cells) return null;
  const last = cells.findLastIndex((cell) => cell !== "");
  return cells.slice(0, last + 1);
}

const hasDigit = (text: string): boolean => /\d/.test(text);

/** `28195`, `D-28195`, `110 001`, `SW1A 1AA`, `1012 AB` */
const isPostalCode = (text: string): boolean =>
  /^(?:[A-Z]{1,3}[ -])?[A-Z\d]*\d[A-Z\d]*(?:[ -](?:[A-Z]{2}|[A-Z\d]*\d[A-Z\d]*))?$/i.test(text);

/** City and postal code of one line: `10115 Berlin`, in the Netherlands `1012 AB Amsterdam`. */
function townOf(text: string, country: string): [city: string, code: string] | null {
  const code = countryCode(country) === "NL" ? /^(\d{4} ?[A-Z]{2}) (.+)$/ : /^((?:[A-Z]{1,3}-)?\d{3,6}) (\p{L}.*)$/u;
  const found = code.exec(text);
  return found ? [found[2] ?? "", found[1] ?? ""] : null;
}

/**
 * The cells in the order of a party: postal code and city may stand the other way round or in one cell, and the postal code may be
 * left out before the country. Nothing where it is not clear which is which.
 */
function ordered(cells: readonly string[]): readonly string[] | null {
  const [name = "", street = "", place = "", next = "", after = ""] = cells;
  // Singapore is a city before its country.
  const isShort = isCountry(next) && !isCountry(after);
  const rest = cells.slice(isShort ? 3 : 4);
  const town = townOf(place, isShort ? next : after);
  if (town) return isShort || next === "" ? [name, street, ...town, ...rest] : null;
  if (isShort) return hasDigit(place) ? null : [name, street, place, "", ...rest];
  if (!hasDigit(place) || hasDigit(next)) return cells;
  if (isPostalCode(place)) return [name, street, next, place, ...rest];
  return next === "" ? cells : null;
}

/**
 * The members of a party that the cells of a text give: name, street, city, postal code, country, phone and e-mail. Phone and e-mail
 * may stand the other way round. Nothing for a text of one cell, of more than these, of a table, or of which it is not clear what is
 * the city.
 */
export function pastedParty(text: string): Partial<Party> | null {
  const given = cellsOf(text);
  const cells = given && given.length >= 2 ? ordered(given) : null;
  if (!cells || cells.length > ORDER.length) return null;
  const party: Partial<Party> = Object.fromEntries(cells.map((cell, index) => [ORDER[index], cell]));
  const { phone, email } = party;
  if (phone?.includes("@")) Object.assign(party, { phone: email ?? "", email: phone });
  if (party.country_code) party.country_code = countryCode(party.country_code);
  return party;
}

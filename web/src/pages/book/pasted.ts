// A party that is pasted from a spreadsheet: the cells of a row or of a column.
import { countryCode } from "../../words/countries";
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

/**
 * The members of a party that the cells of a text give: name, street, city, postal code, country, phone and e-mail. Postal code and
 * city, and phone and e-mail, may stand the other way round. Nothing for a text of one cell, of more than these, or of a table.
 */
export function pastedParty(text: string): Partial<Party> | null {
  const cells = cellsOf(text);
  if (!cells || cells.length < 2 || cells.length > ORDER.length) return null;
  const party: Partial<Party> = Object.fromEntries(cells.map((cell, index) => [ORDER[index], cell]));
  const { city, postal_code, phone, email } = party;
  if (city && hasDigit(city) && !hasDigit(postal_code ?? ""))
    Object.assign(party, { city: postal_code ?? "", postal_code: city });
  if (phone?.includes("@")) Object.assign(party, { phone: email ?? "", email: phone });
  if (party.country_code) party.country_code = countryCode(party.country_code);
  return party;
}

// Parts as rows of a spreadsheet: what is pasted, what is typed, and what is sent.
import type { Schemas } from "../../api/problem";
import { measuresAfter } from "../../parts/brought";
import { dimensionsOf } from "../../parts/dimensions";
import { lineText, sizesOf } from "../../parts/dimensionTexts";
import { handlingCodes } from "../../parts/handling.svelte";
import { fromLocal, localTime } from "../../words/format";
import { canonical, entry, figure } from "../../words/parse";
import { canonicalWeight, weightEntry, weightFigure, type WeightUnit } from "../../words/units";
import { words } from "../../words/consolidations";
import type { Part } from "./consolidation";

/** The columns in their order, as a sheet without headings has them. */
export const COLUMNS = [
  "house",
  "origin",
  "pieces",
  "weight",
  "volume",
  "handling",
  "description",
  "shipper",
  "consignee",
  "ready",
  "dimensions",
] as const;
export type Column = (typeof COLUMNS)[number];
/** The dimensions are as an address has them; what is typed of them in a row is read first (`sizesTyped`). */
export type Cells = Record<Column, string>;

/** The member of the API that a column is. */
export const POINTERS: Record<Column, string> = {
  house: "/house_number",
  origin: "/origin",
  pieces: "/pieces",
  weight: "/weight_kg",
  volume: "/volume_m3",
  handling: "/special_handling_codes",
  description: "/description",
  shipper: "/shipper/name",
  consignee: "/consignee/name",
  ready: "/ready_at",
  dimensions: "/dimensions",
};

export const emptyCells = (): Cells => Object.fromEntries(COLUMNS.map((column) => [column, ""])) as Cells;
export const isEmpty = (cells: Cells): boolean => COLUMNS.every((column) => cells[column].trim() === "");

/** Other headings that sheets have, in letters alone. */
const HEADINGS: Record<Column, readonly string[]> = {
  house: ["housenumber", "house", "hawb", "hawbnumber", "hawbno", "hawbnr", "housenummer"],
  origin: ["origin", "from", "org", "von", "abgangsort", "abflughafen"],
  pieces: ["pieces", "pcs", "pc", "packstücke", "stück", "colli", "kolli"],
  weight: ["weight", "weightkg", "kg", "grossweight", "gewicht", "gewichtkg", "bruttogewicht"],
  volume: ["volume", "volumem", "m", "cbm", "volumen", "volumenm"],
  handling: ["handlingcodes", "specialhandlingcodes", "handling", "shc", "codes"],
  description: ["description", "goods", "natureofgoods", "commodity", "beschreibung", "ware", "inhalt"],
  shipper: ["shipper", "shippername", "versender", "absender"],
  consignee: ["consignee", "consigneename", "empfänger"],
  ready: ["readyat", "ready", "readyatlocal", "bereitam", "bereit"],
  dimensions: ["dimensions", "dims", "dim", "measurements", "abmessungen", "maße", "masse"],
};

const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}]/gu, "");

/** The column that a heading names; nothing if none does. */
export function columnOf(heading: string): Column | null {
  const name = plain(heading);
  if (name === "") return null;
  return (
    COLUMNS.find((column) => HEADINGS[column].includes(name) || plain(words.consolidations.parts[column]) === name) ??
    null
  );
}

/** The columns of a row of headings; nothing of a row that is none: fewer than two of its texts name a column. */
export function headingsOf(row: readonly string[]): (Column | null)[] | null {
  const columns = row.map(columnOf);
  return columns.filter((column) => column !== null).length >= 2 &&
    row.every((text) => !/\d/.test(text.replace("m3", "")))
    ? columns
    : null;
}

/**
 * Rows of tab-separated cells, as spreadsheets copy them: a cell with tabs, line breaks or quotes in it is quoted, and its quotes are
 * doubled. Empty rows at the end are left out.
 */
export function parseSheet(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let isQuoted = false;
  const source = text.replace(/\r\n?/g, "\n");
  for (let at = 0; at < source.length; at += 1) {
    const sign = source.charAt(at);
    if (isQuoted) {
      if (sign !== '"') cell += sign;
      else if (source.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else isQuoted = false;
    } else if (sign === '"' && cell === "" && source.includes('"', at + 1)) isQuoted = true;
    else if (sign === "\t") {
      row.push(cell);
      cell = "";
    } else if (sign === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += sign;
  }
  rows.push([...row, cell]);
  while (rows.length > 0 && rows[rows.length - 1]?.every((text) => text.trim() === "")) rows.pop();
  return rows.map((cells) => cells.map((text) => text.replace(/\s*\n\s*/g, " ").trim()));
}

/** Whether a text is of several cells: a single one is pasted as any text. */
export const isSheet = (text: string): boolean => /[\t\n\r]/.test(text.replace(/[\r\n]+$/, ""));

/**
 * What is pasted at a cell: for each row the columns that it fills. With headings each text is of the column that its heading names,
 * else the texts fill the columns from that cell on; what lies beyond the last one is left out.
 */
export function pastedRows(text: string, at: Column): Partial<Cells>[] {
  const sheet = parseSheet(text);
  const headings = headingsOf(sheet[0] ?? []);
  const first = COLUMNS.indexOf(at);
  const columns = (row: readonly string[]) => headings ?? row.map((_, place) => COLUMNS[first + place] ?? null);
  return (headings ? sheet.slice(1) : sheet)
    .filter((row) => row.some((cell) => cell !== ""))
    .map((row) =>
      Object.fromEntries(
        columns(row)
          .map((column, place) => [column, row[place] ?? ""] as const)
          .filter(([column]) => column !== null),
      ),
    );
}

/** The time as it is typed or copied: `2026-12-02 14:00`, with a date alone at its beginning. What is none stays for the API to refuse. */
function readyAt(text: string, zone: string): string | undefined {
  const typed = text.trim();
  if (typed === "") return undefined;
  const found = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2})(?::\d{2})?)?$/.exec(typed);
  if (!found) return typed;
  return fromLocal(`${found[1]}T${(found[2] ?? "00:00").padStart(5, "0")}`, zone) ?? typed;
}

/**
 * The dimensions of a row, `4 × 120 × 80 × 100 × 50; 2 × 60 × 40 × 40` (the weight of a piece is last, and may be missing), as an
 * address has them.
 */
export const sizesTyped = (text: string, unit: WeightUnit): string =>
  text
    .split(";")
    .map((line) => line.split(/[x×*]/i).map((cell) => cell.trim().replaceAll("_", " ")))
    .filter((line) => line.some((cell) => cell !== ""))
    .map((line) => line.map((cell, place) => (place === 4 ? canonicalWeight(cell, unit) : canonical(cell))).join("x"))
    .join("_");

/** What is sent of a row. What is no number stays as it was typed: the API names the fault. */
export function bodyOf(cells: Cells, unit: WeightUnit, zone: string, status?: Part["status"]): Schemas["AddPart"] {
  const codes = handlingCodes(cells.handling);
  const text = (column: Column) => cells[column].trim() || undefined;
  const name = (column: "shipper" | "consignee") => (text(column) ? { name: text(column) } : undefined);
  const members = {
    house_number: text("house"),
    origin: cells.origin.trim().toUpperCase(),
    pieces: figure(cells.pieces),
    weight_kg: weightFigure(cells.weight, unit),
    volume_m3: figure(cells.volume),
    dimensions: dimensionsOf(cells.dimensions),
    special_handling_codes: codes.length > 0 ? codes : undefined,
    description: text("description"),
    shipper: name("shipper"),
    consignee: name("consignee"),
    ready_at: readyAt(cells.ready, zone),
    status,
  };
  const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  return given as unknown as Schemas["AddPart"];
}

/** The row of a part, as it is typed. */
export const cellsOf = (part: Part, unit: WeightUnit, zone: string): Cells => ({
  house: part.house_number ?? "",
  origin: part.origin,
  pieces: entry(part.pieces),
  weight: weightEntry(part.weight_kg, unit),
  volume: entry(part.volume_m3),
  handling: part.special_handling_codes.join(","),
  description: part.description ?? "",
  shipper: part.shipper?.name ?? "",
  consignee: part.consignee?.name ?? "",
  ready: part.ready_at ? localTime(part.ready_at, zone).replace("T", " ") : "",
  dimensions: sizesOf(part.dimensions ?? []),
});

/** What is saved of a row that is typed: other dimensions bring figures along. */
export function saved(before: Cells, now: Cells, unit: WeightUnit): Cells {
  const measures = ({ dimensions: sizes, ...cells }: Cells) => ({ ...cells, sizes });
  const { pieces, weight, volume } = measuresAfter(measures(before), measures(now), unit);
  return { ...now, pieces, weight, volume };
}

/** A cell as a list of differences shows it; nothing of an empty one. */
export const cellText = (column: Column, cells: Cells): string =>
  column === "dimensions" ? (dimensionsOf(cells.dimensions) ?? []).map(lineText).join("; ") : cells[column].trim();

/** The members that a form changes, for a merge patch; a member that was emptied is null. */
export function patchOf(before: Cells, now: Cells, unit: WeightUnit, zone: string): Schemas["ChangePart"] {
  const body = bodyOf(now, unit, zone) as unknown as Record<string, unknown>;
  const changed = COLUMNS.filter((column) => before[column].trim() !== now[column].trim()).map((column) => {
    const member = POINTERS[column].split("/")[1] ?? "";
    return [member, body[member] ?? (column === "handling" ? [] : null)] as const;
  });
  return Object.fromEntries(changed) as Schemas["ChangePart"];
}

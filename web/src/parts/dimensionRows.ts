// Lines of dimensions as rows of a grid: what is typed, and what is pasted from a spreadsheet.
import { addressedEntry, canonical } from "../words/parse";
import { addressedWeightEntry, canonicalWeight, type WeightUnit } from "../words/units";
import { cellsOf } from "./dimensions";

/** The columns in their order, as a sheet has them. */
export const COLUMNS = ["pieces", "length", "width", "height", "weight"] as const;
export type Column = (typeof COLUMNS)[number];
export type Cells = Record<Column, string>;
export type Row = Cells & { isTiltable: boolean; isStackable: boolean };

/** The member of the API that a column is. */
export const MEMBERS: Record<Column, string> = {
  pieces: "pieces",
  length: "length_cm",
  width: "width_cm",
  height: "height_cm",
  weight: "weight_kg",
};

/** The pointers of faults that a grid shows itself. */
export const sizePointers = (sizes: string): string[] => [
  "/dimensions",
  ...cellsOf(sizes).flatMap((_, line) => COLUMNS.map((column) => `/dimensions/${line}/${MEMBERS[column]}`)),
];

/** Most lines of one freight. */
export const MOST = 50;

export const emptyRow = (): Row => ({
  ...{ pieces: "", length: "", width: "", height: "", weight: "" },
  isTiltable: false,
  isStackable: true,
});
export const isEmpty = (row: Row): boolean => COLUMNS.every((column) => row[column].trim() === "");

/** The rows of an address, as the fields show them. */
export const rowsOf = (sizes: string, unit: WeightUnit): Row[] =>
  cellsOf(sizes).map(([pieces = "", length = "", width = "", height = "", weight = "", marks = ""]) => ({
    pieces: addressedEntry(pieces),
    length: addressedEntry(length),
    width: addressedEntry(width),
    height: addressedEntry(height),
    weight: addressedWeightEntry(weight, unit),
    isTiltable: marks.includes("t"),
    isStackable: !marks.includes("n"),
  }));

/** The rows as an address has them; empty ones are left out. */
export const addressOf = (rows: readonly Row[], unit: WeightUnit): string =>
  rows
    .filter((row) => !isEmpty(row))
    .map((row) => {
      const figures = [row.pieces, row.length, row.width, row.height].map((text) => canonical(text));
      const cells = [...figures, canonicalWeight(row.weight, unit)].map((text) => text.replace(/[x_]/g, " ").trim());
      const marks = `${row.isTiltable ? "t" : ""}${row.isStackable ? "" : "n"}`;
      return [...cells, marks].join("x").replace(/x+$/, "");
    })
    .join("_");

/** Whether a text is of several cells: a single one is pasted as any text. */
export const isSheet = (text: string): boolean => /[\t\n\r]/.test(text.replace(/[\r\n]+$/, ""));

/**
 * What is pasted at a cell: for each row the columns that it fills from that one on. A first row without a digit is of headings, and
 * empty rows are left out, as is what lies beyond the last column.
 */
export function pastedRows(text: string, at: Column): Partial<Cells>[] {
  const sheet = text
    .split(/\r\n?|\n/)
    .map((line) => line.split("\t").map((cell) => cell.trim()))
    .filter((row) => row.some((cell) => cell !== ""));
  const isHeaded = sheet[0]?.every((cell) => !/\d/.test(cell)) ?? false;
  const columns = COLUMNS.slice(COLUMNS.indexOf(at));
  return (isHeaded ? sheet.slice(1) : sheet).map((row) =>
    Object.fromEntries(columns.flatMap((column, place) => (row[place] === undefined ? [] : [[column, row[place]]]))),
  );
}

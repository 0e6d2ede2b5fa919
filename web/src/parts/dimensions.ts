// The dimensions of freight as addresses have them: lines of `4x120x80x100x50xt`, parted by `_`. That is 4 pieces of 120 × 80 × 100 cm
// and 50 kg each; `t` lies on any side, and on `n` nothing stands. What is last may be left out.
import type { Schemas } from "../api/problem";
import { addressed, addressedNumber } from "../words/parse";

type Line = Schemas["NewDimensionLine"];

/** The cells of each line: pieces, length, width, height, weight, marks. */
export const cellsOf = (sizes: string): string[][] =>
  sizes === "" ? [] : sizes.split("_").map((line) => line.split("x"));

/** As the API takes them. What is no number stays as it was typed: the API names the fault. */
export function dimensionsOf(sizes: string): Line[] | undefined {
  if (sizes === "") return undefined;
  return cellsOf(sizes).map(([pieces = "", length = "", width = "", height = "", weight = "", marks = ""]) => {
    const members = {
      pieces: addressed(pieces),
      length_cm: addressed(length),
      width_cm: addressed(width),
      height_cm: addressed(height),
      weight_kg: addressed(weight),
      is_tiltable: marks.includes("t") ? true : undefined,
      is_stackable: marks.includes("n") ? false : undefined,
    };
    return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as unknown as Line;
  });
}

/** The weight of all pieces in kilograms, as an address has it; nothing unless each line has one. */
export function weightOf(sizes: string): string {
  const weights = cellsOf(sizes).map(
    ([pieces = "", , , , weight = ""]) => (addressedNumber(pieces) ?? NaN) * (addressedNumber(weight) ?? NaN),
  );
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return Number.isNaN(sum) || sum === 0 ? "" : String(Math.round(sum * 10) / 10);
}

/** The volume of all pieces in cubic metres, rounded up to the litre, as an address has it; nothing without figures. */
export function volumeOf(sizes: string): string {
  const sum = cellsOf(sizes).reduce(
    (all, [pieces, length, width, height]) => all + Number(pieces) * Number(length) * Number(width) * Number(height),
    0,
  );
  return sum > 0 ? String(Math.ceil(sum / 1000) / 1000) : "";
}

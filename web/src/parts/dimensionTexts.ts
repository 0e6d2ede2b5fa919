// The lines of dimensions that the API answers, for addresses and for readers.
import type { Schemas } from "../api/problem";
import { number } from "../words/format";

type Line = Schemas["NewDimensionLine"];

/** As an address has what the API answers. */
export const sizesOf = (lines: readonly Line[]): string =>
  lines
    .map((line) => {
      const marks = `${line.is_tiltable ? "t" : ""}${line.is_stackable === false ? "n" : ""}`;
      const cells = [line.pieces, line.length_cm, line.width_cm, line.height_cm, line.weight_kg ?? "", marks];
      return cells.join("x").replace(/x+$/, "");
    })
    .join("_");

/** A figure; what is typed and is none, or is missing yet, as it is. */
const figureText = (figure: unknown): string => (typeof figure === "number" ? number(figure) : String(figure ?? "…"));

/** The sides of a piece: `120 × 80 × 100`. */
export const sides = (line: Pick<Line, "length_cm" | "width_cm" | "height_cm">): string =>
  [line.length_cm, line.width_cm, line.height_cm].map(figureText).join(" × ");

/** As readers see a line: `4 × 120 × 80 × 100 cm`. */
export const lineText = (line: Line): string => `${figureText(line.pieces)} × ${sides(line)} cm`;

/** The size of the piece of this number, from 1, where pieces are counted line by line: `120 × 80 × 100 cm`. */
export function pieceSize(lines: readonly Line[] | null | undefined, piece: number): string | undefined {
  let last = 0;
  const line = lines?.find((known) => piece <= (last += known.pieces));
  return line && `${sides(line)} cm`;
}

import { expect, it } from "vitest";
import { addressOf, pastedRows, rowsOf, sizePointers } from "./dimensionRows";
import { dimensionsOf, volumeOf, weightOf } from "./dimensions";
import { lineText, pieceSize, sizesOf } from "./dimensionTexts";

const SIZES = "4x120x80x100x50_1x300x20x20xxt_2x60x40x40x7.5xtn";

it("asks for the lines of an address, and writes those of an answer", () => {
  const lines = dimensionsOf(SIZES);
  expect(lines).toEqual([
    { pieces: 4, length_cm: 120, width_cm: 80, height_cm: 100, weight_kg: 50 },
    { pieces: 1, length_cm: 300, width_cm: 20, height_cm: 20, is_tiltable: true },
    { pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: 7.5, is_tiltable: true, is_stackable: false },
  ]);
  expect(sizesOf(lines ?? [])).toBe(SIZES);
  expect(dimensionsOf("")).toBeUndefined();
  expect(lines?.map(lineText)[0]).toBe("4 × 120 × 80 × 100 cm");
  expect(dimensionsOf("4x120xlong")?.map(lineText)).toEqual(["4 × 120 × long × … cm"]);
  // Not guessed: the API names the member.
  expect(dimensionsOf("4xlong")).toEqual([{ pieces: 4, length_cm: "long" }]);
});

it("knows the weight only if each line has one", () => {
  expect(weightOf("4x120x80x100x50_2x60x40x40x7.5")).toBe("215");
  expect(weightOf(SIZES)).toBe("");
  expect(weightOf("")).toBe("");
});

it("knows the volume, rounded up to the litre", () => {
  expect(volumeOf("4x120x80x100")).toBe("3.84");
  expect(volumeOf("1x1x1x1")).toBe("0.001");
  expect([volumeOf(""), volumeOf("4xlong")]).toEqual(["", ""]);
});

it("shows the lines of an address in rows, and comes back unchanged", () => {
  expect(addressOf(rowsOf(SIZES, "kg"), "kg")).toBe(SIZES);
  expect(rowsOf(SIZES, "kg")[2]).toMatchObject({ pieces: "2", weight: "7.5", isTiltable: true, isStackable: false });
});

it("takes rows of a spreadsheet, with or without headings, from a cell on", () => {
  const first = { pieces: "4", length: "120", width: "80", height: "100" };
  expect(pastedRows("Pcs\tL\tW\tH\r\n4\t120\t80\t100\r\n\r\n", "pieces")).toEqual([first]);
  expect(pastedRows("4\t120\t80\t100\n1\t60\t40\t40\t12\tmore", "pieces")).toEqual([
    first,
    { pieces: "1", length: "60", width: "40", height: "40", weight: "12" },
  ]);
  expect(pastedRows("100\t50\n40\t7", "height")).toEqual([
    { height: "100", weight: "50" },
    { height: "40", weight: "7" },
  ]);
});

it("names what a grid says is wrong", () => {
  expect(sizePointers("")).toEqual(["/dimensions"]);
  expect(sizePointers(SIZES)).toHaveLength(1 + 3 * 5);
  expect(sizePointers(SIZES)).toContain("/dimensions/2/height_cm");
});

it("finds the size of a piece, counted line by line", () => {
  const lines = dimensionsOf(SIZES);
  expect([1, 4, 5, 6, 7].map((piece) => pieceSize(lines, piece))).toEqual([
    "120 × 80 × 100 cm",
    "120 × 80 × 100 cm",
    "300 × 20 × 20 cm",
    "60 × 40 × 40 cm",
    "60 × 40 × 40 cm",
  ]);
  expect(pieceSize(lines, 8)).toBeUndefined();
  expect(pieceSize(null, 1)).toBeUndefined();
});

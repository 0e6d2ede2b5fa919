import { describe, expect, it } from "vitest";
import type { Part } from "./consolidation";
import {
  bodyOf,
  cellsOf,
  cellText,
  columnOf,
  COLUMNS,
  emptyCells,
  headingsOf,
  isEmpty,
  isSheet,
  parseSheet,
  pastedRows,
  patchOf,
  saved,
  sizesTyped,
} from "./rows";

const cells = (given: Partial<ReturnType<typeof emptyCells>>) => ({ ...emptyCells(), ...given });

describe("what a spreadsheet copies", () => {
  it("is rows of cells, without empty rows at the end", () => {
    expect(parseSheet("H1\tDEL\t2\r\nH2\tBOM\t3\r\n\t\t\r\n")).toEqual([
      ["H1", "DEL", "2"],
      ["H2", "BOM", "3"],
    ]);
    expect(parseSheet("")).toEqual([]);
  });
  it("may quote tabs, line breaks and quotes", () => {
    expect(parseSheet('H1\t"silk\nand ""fine"" wool\tmixed"\tX\nH2\t5" pipes')).toEqual([
      ["H1", 'silk and "fine" wool\tmixed', "X"],
      ["H2", '5" pipes'],
    ]);
    // A quote that nothing ends is a sign like others.
    expect(parseSheet('"open\tX\nnext')).toEqual([['"open', "X"], ["next"]]);
  });
  it("is several cells, or text like any other", () => {
    expect([isSheet("H1\tDEL"), isSheet("H1\nH2"), isSheet("H1\n"), isSheet("H1")]).toEqual([true, true, false, false]);
  });
});

describe("headings", () => {
  it("name columns in both languages, with units and signs", () => {
    expect(
      ["House number", "HAWB", "Org.", "Weight (kg)", "Volume (m³)", "Gewicht", "Empfänger", ""].map(columnOf),
    ).toEqual([...["house", "house", "origin", "weight", "volume", "weight", "consignee"], null]);
  });
  it("are a row of words, of which two name columns at least", () => {
    expect(headingsOf(["Pieces", "Remarks", "Weight"])).toEqual(["pieces", null, "weight"]);
    expect(headingsOf(["Pieces", "Remarks"])).toBeNull();
    expect(headingsOf(["H1", "DEL", "2"])).toBeNull();
  });
});

describe("rows that are pasted", () => {
  it("fill the columns from the cell on, and nothing beyond the last", () => {
    expect(pastedRows("DEL\t2\t100\nBOM\t3\t250", "origin")).toEqual([
      { origin: "DEL", pieces: "2", weight: "100" },
      { origin: "BOM", pieces: "3", weight: "250" },
    ]);
    expect(pastedRows("Acme\t2026-12-02\t\tbeyond", "consignee")).toEqual([
      { consignee: "Acme", ready: "2026-12-02", dimensions: "" },
    ]);
  });
  it("follow their headings, whatever their order, and leave other columns out", () => {
    expect(pastedRows("Weight (kg)\tRemark\tPieces\n100\tfragile\t2\n\t\t\n50\t\t1", "house")).toEqual([
      { weight: "100", pieces: "2" },
      { weight: "50", pieces: "1" },
    ]);
  });
});

describe("a row", () => {
  it("becomes a part with what is given", () => {
    const typed = cells({ origin: " del", pieces: "2", weight: "1,200.5", handling: "per, col", shipper: "Sunrise" });
    expect(bodyOf(typed, "kg", "Asia/Kolkata", "READY")).toEqual({
      ...{ origin: "DEL", pieces: 2, weight_kg: 1200.5, special_handling_codes: ["PER", "COL"] },
      ...{ shipper: { name: "Sunrise" }, status: "READY" },
    });
  });
  it("has its time by the clock of its origin, and leaves what is none to the API", () => {
    const at = (ready: string) => bodyOf(cells({ ready }), "kg", "Asia/Kolkata").ready_at;
    expect(at("2026-12-02 14:00")).toBe("2026-12-02T08:30:00.000Z");
    expect(at("2026-12-02T9:00:30")).toBe("2026-12-02T03:30:00.000Z");
    expect(at("2026-12-02")).toBe("2026-12-01T18:30:00.000Z");
    expect(at("tomorrow")).toBe("tomorrow");
    expect(at("")).toBeUndefined();
  });
  it("has its weight in the unit of the account, and leaves what is no number to the API", () => {
    expect(bodyOf(cells({ weight: "1000", pieces: "two" }), "lb", "UTC")).toEqual({
      ...{ origin: "", weight_kg: 453.6, pieces: "two" },
    });
  });
  it("has its dimensions in one cell, with the weight in the unit of the account", () => {
    const sizes = sizesTyped("4 × 120 x 80*100 × 50; 2x60x40x40;", "kg");
    expect(sizes).toBe("4x120x80x100x50_2x60x40x40");
    expect(bodyOf(cells({ dimensions: sizes }), "kg", "UTC").dimensions).toEqual([
      { pieces: 4, length_cm: 120, width_cm: 80, height_cm: 100, weight_kg: 50 },
      { pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40 },
    ]);
    expect(sizesTyped("1x10x10x10x100", "lb")).toBe("1x10x10x10x45.4");
    expect(sizesTyped(" ; ", "kg")).toBe("");
    expect(pastedRows("Pieces\tDims\n2\t2x60x40x40", "house")).toEqual([{ pieces: "2", dimensions: "2x60x40x40" }]);
  });
  it("is empty without any text", () => {
    expect([isEmpty(cells({ house: " " })), isEmpty(cells({ ready: "x" }))]).toEqual([true, false]);
  });
});

describe("a part that is edited", () => {
  const part = {
    ...{
      house_number: "H1",
      origin: "DEL",
      pieces: 2,
      weight_kg: 100.5,
      volume_m3: 0.6,
      special_handling_codes: ["PER"],
    },
    ...{ description: null, shipper: { name: "Sunrise", city: "Delhi" }, consignee: null },
    ready_at: "2026-12-02T08:30:00Z",
    dimensions: [{ pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: null }],
  } as unknown as Part;
  const before = cellsOf(part, "kg", "Asia/Kolkata");
  it("begins as it is", () => {
    expect(COLUMNS.map((column) => before[column])).toEqual([
      ...["H1", "DEL", "2", "100.5", "0.6", "PER", "", "Sunrise", "", "2026-12-02 14:00", "2x60x40x40"],
    ]);
  });
  it("sends what was changed, and null for what was emptied", () => {
    expect(patchOf(before, before, "kg", "Asia/Kolkata")).toEqual({});
    const now = { ...before, pieces: "3", house: "", handling: "", consignee: "Thames" };
    expect(patchOf(before, now, "kg", "Asia/Kolkata")).toEqual({
      ...{ house_number: null, pieces: 3, special_handling_codes: [], consignee: { name: "Thames" } },
    });
    expect(patchOf(before, { ...before, dimensions: "" }, "kg", "Asia/Kolkata")).toEqual({ dimensions: null });
  });
  it("shows the figures that new dimensions bring along", () => {
    const after = saved(before, { ...before, dimensions: "3x100x80x100x10" }, "kg");
    expect([after.pieces, after.weight, after.volume, after.house]).toEqual(["3", "30", "2.4", "H1"]);
    expect([cellText("dimensions", after), cellText("weight", after)]).toEqual(["3 × 100 × 80 × 100 cm", "30"]);
    expect(saved(before, { ...before, weight: "99" }, "kg")).toEqual({ ...before, weight: "99" });
  });
});

import { expect, test } from "vitest";
import { asCsv } from "./faults";

test("faults are written so that no cell ends early or becomes a formula", () => {
  const text = asCsv([
    { row: 2, column: "name", value: '=1+"1"', message: "`name` must not be empty." },
    { row: 3, message: "Row 3 has 2 cells, but the header has 7." },
  ]);
  expect(text.split("\r\n")).toEqual([
    '"row","column","value","message"',
    '2,"name","\'=1+""1""","`name` must not be empty."',
    '3,"","","Row 3 has 2 cells, but the header has 7."',
    "",
  ]);
});

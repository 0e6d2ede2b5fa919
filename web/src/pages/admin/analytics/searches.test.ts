import { expect, it } from "vitest";
import { summed } from "./searches";

it("adds up the months of each group, the most searches first", () => {
  const rows = [
    { key: "BOOKABLE", searches: 3 },
    { key: "NO_ROOM", searches: 5 },
    { key: "BOOKABLE", searches: 4 },
  ];
  expect(summed(rows)).toEqual([
    { key: "BOOKABLE", searches: 7 },
    { key: "NO_ROOM", searches: 5 },
  ]);
  expect(summed([])).toEqual([]);
});

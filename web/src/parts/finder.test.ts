import { expect, it } from "vitest";
import { stepOf, stepped, valueOf, type Choice } from "./finder";

const choice = (title: string): Choice => ({ value: `id-${title}`, label: title, title });
const [delhi, london] = [choice("DEL"), choice("LHR")];

it("a text that is typed comes to the choice it names, to its own value, or to the only choice", () => {
  expect(valueOf("lhr", null, [delhi, london])).toBe("id-LHR");
  expect(valueOf("BOM", "BOM", [delhi])).toBe("BOM");
  expect(valueOf("delhi", null, [delhi])).toBe("id-DEL");
  expect(valueOf("", "", [])).toBe("");
});

it("a text that may be several things, or none, comes to nothing", () => {
  expect(valueOf("l", null, [delhi, london])).toBeNull();
  expect(valueOf("nowhere", null, [])).toBeNull();
});

it("arrow keys go round a list, from either end", () => {
  expect([stepOf("ArrowDown"), stepOf("ArrowUp"), stepOf("Enter")]).toEqual([1, -1, null]);
  expect([stepped(-1, 1, 3), stepped(0, 1, 3), stepped(2, 1, 3)]).toEqual([0, 1, 0]);
  expect([stepped(-1, -1, 3), stepped(0, -1, 3), stepped(2, -1, 3)]).toEqual([2, 2, 1]);
});

import { expect, it } from "vitest";
import { bars, values } from "./code128";
import { pieceCode } from "./pieces";

it("encodes digits in pairs, with the check character", () => {
  expect(values("0981234567500001")).toEqual([105, 9, 81, 23, 45, 67, 50, 0, 1, 35, 106]);
  // 11 modules a character, 13 the stop.
  expect(bars("0981234567500001").width).toBe(10 * 11 + 13);
});

it("encodes other texts in set B", () => {
  // The well-known example has 54 with the start of set A, 103; that of set B is one more.
  expect(values("PJJ123C")).toEqual([104, 48, 42, 42, 17, 18, 19, 35, 55, 106]);
  expect(() => values("Ü")).toThrow();
});

it("makes the code of a piece: air waybill, 0, four digits", () => {
  expect(pieceCode("098-12345675", "ACB123456789", 1)).toBe("0981234567500001");
  expect(pieceCode(null, "ACB123456789", 12)).toBe("ACB123456789");
});

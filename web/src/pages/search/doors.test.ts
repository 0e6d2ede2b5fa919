import { expect, it } from "vitest";
import { faceOf, figuresOf, judgeable } from "./doors";

const door = { door_width_cm: 180, door_height_cm: 120, max_length_cm: 300 };
const piece = { pieces: 1, length_cm: 240, width_cm: 100, height_cm: 110 };

it("turns a piece so that it passes", () => {
  expect(faceOf(piece, door)).toEqual({ width: 100, height: 110 });
  // Its shorter side ahead, its longer one would be too long for the hold.
  expect(faceOf({ ...piece, length_cm: 170 }, { ...door, max_length_cm: 120 })).toEqual({ width: 170, height: 110 });
});

it("lays a piece on a side only if it may be", () => {
  const high = { ...piece, length_cm: 100, height_cm: 150 };
  expect(faceOf(high, door)).toEqual({ width: 100, height: 150 });
  expect(faceOf({ ...high, is_tiltable: true }, door).height).toBe(100);
  expect(faceOf({ ...high, is_tiltable: true }, { ...door, max_length_cm: null }).height).toBe(100);
});

it("judges lines of whole figures only", () => {
  expect(judgeable([piece, { ...piece, height_cm: 1.5 }, { ...piece, pieces: "a" as never }])).toEqual([piece]);
});

it("reads what the API says of a piece that is too large", () => {
  const text = "AI102 has no opening for the pieces of line 2 (120 × 80 × 150 cm); its largest is 180 × 120 cm.";
  expect(figuresOf(text)).toEqual(["AI102", "2", "120 × 80 × 150 cm", "180 × 120 cm"]);
  expect(figuresOf("It is too large.")).toBeNull();
});

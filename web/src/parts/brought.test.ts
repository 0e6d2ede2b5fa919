import { expect, it } from "vitest";
import { measuresAfter } from "./brought";

const before = { pieces: "4", weight: "200", volume: "3.84", sizes: "4x120x80x100x50" };

it("other dimensions bring pieces, volume and weight along", () => {
  const now = { ...before, sizes: "1x60x40x40x7.5_2x60x40x40x10" };
  expect(measuresAfter(before, now, "kg")).toEqual({ ...now, pieces: "3", weight: "27.5", volume: "0.288" });
  expect(measuresAfter(before, { ...now, sizes: "2x60x40x40" }, "kg")).toMatchObject({ pieces: "2", weight: "200" });
  expect(measuresAfter({ ...before, weight: "440.9" }, { ...now, weight: "440.9" }, "lb").weight).toBe("60.6");
});

it("what is typed stays, and so does all without other dimensions", () => {
  const now = { ...before, pieces: "5", weight: "28", volume: "1", sizes: "1x60x40x40x7.5_2x60x40x40x10" };
  expect(measuresAfter(before, now, "kg")).toEqual(now);
  expect(measuresAfter(before, { ...now, pieces: " ", volume: "" }, "kg")).toMatchObject({
    pieces: "3",
    volume: "0.288",
  });
  expect(measuresAfter(before, { ...before, weight: "199" }, "kg")).toEqual({ ...before, weight: "199" });
  expect(measuresAfter(before, { ...before, sizes: "" }, "kg")).toEqual({ ...before, sizes: "" });
  expect(measuresAfter(before, { ...before, sizes: "x60x40x40" }, "kg")).toMatchObject({ pieces: "4", volume: "3.84" });
});

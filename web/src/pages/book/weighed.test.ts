import { expect, it } from "vitest";
import { weighed } from "./weighed";

it("leaves out the volume of other dimensions", () => {
  const query = new URLSearchParams("flights=f1&volume=3.84&sizes=4x120x80x100");
  expect(weighed(query, "200", "4x120x80x100")).toEqual({ weight: "200", sizes: "4x120x80x100" });
  expect(weighed(query, "200", "2x60x40x40")).toEqual({ weight: "200", sizes: "2x60x40x40", volume: "" });
  expect(weighed(query, "200", "")).toEqual({ weight: "200", sizes: "", volume: "" });
  expect(weighed(new URLSearchParams("flights=f1&volume=5"), "200", "")).not.toHaveProperty("volume");
});

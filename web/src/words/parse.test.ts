import { expect, test } from "vitest";
import { figure } from "./parse";

test.each([
  ["500", "en", 500],
  [" 500.5 ", "en", 500.5],
  ["1,000", "en", 1000],
  ["12,345.5", "en", 12345.5],
  ["1,23,456", "en-IN", 123456],
  ["120,5", "en", 120.5],
  ["1.000,5", "de", 1000.5],
  ["1.000", "de", 1000],
  ["120,5", "de", 120.5],
  ["120.5", "de", 120.5],
  ["1 000,5", "fr", 1000.5],
  ["1 000,5", "fr", 1000.5],
  ["1’000.5", "de-CH", 1000.5],
])("%s in %s is %d", (text, tag, value) => {
  expect(figure(text, tag)).toBe(value);
});

test("what is no number stays as it was typed, and nothing is nothing", () => {
  for (const text of ["abc", "2 boxes", "1,0000", "1e3", "--1", "1.2.3"]) expect(figure(text, "en")).toBe(text);
  expect(figure("  ", "en")).toBeUndefined();
});

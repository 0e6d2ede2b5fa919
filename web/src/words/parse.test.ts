import { expect, test } from "vitest";
import { addressed, addressedEntry, addressedNumber, canonical, entry, figure } from "./parse";

test.each([
  ["500", "en", 500],
  [" 500.5 ", "en", 500.5],
  ["1,000", "en", 1000],
  ["12,345.5", "en", 12345.5],
  ["1,23,456", "en-IN", 123456],
  ["120,5", "en", 120.5],
  ["1.000,5", "de", 1000.5],
  ["1.000", "de", 1000],
  ["1.200", "de-AT", 1200],
  ["1.200,5", "de-AT", 1200.5],
  ["1 200,5", "de-AT", 1200.5],
  ["120.5", "de-AT", 120.5],
  ["120,5", "de", 120.5],
  ["120.5", "de", 120.5],
  ["1 000,5", "fr", 1000.5],
  ["1 000,5", "fr", 1000.5],
  ["1’000.5", "de-CH", 1000.5],
  ["５００", "ja", 500],
  ["−8,5", "sv", -8.5],
  ["1200", "ar-EG", 1200],
  ["0.850", "de", 0.85],
  ["0,850", "en", 0.85],
  ["0,850", "de", 0.85],
  ["１，２００．５", "en", 1200.5],
  ["١٢٠٠", "ar-EG", 1200],
  ["١٬٢٠٠٫٥", "ar-EG", 1200.5],
  ["١٫٢٠٠", "de", 1.2],
  ["۱۲۰۰", "fa", 1200],
])("%s in %s is %d", (text, tag, value) => {
  expect(figure(text, tag)).toBe(value);
});

test("what is no number stays as it was typed, and nothing is nothing", () => {
  for (const text of ["abc", "2 boxes", "1,0000", "1e3", "--1", "1.2.3", "10²", "①", "½", "1٬2", "0,850,000", "0 850"])
    expect(figure(text, "en")).toBe(text);
  expect(figure("  ", "en")).toBeUndefined();
});

test("a figure in an address is the same in every language", () => {
  expect(canonical("1,200", "en")).toBe("1200");
  expect(canonical("1.200,5", "de")).toBe("1200.5");
  expect(canonical(" ", "de")).toBe("");
  expect(canonical("many", "de")).toBe("many");
  expect(addressed("1200.5")).toBe(1200.5);
  expect(addressed("")).toBeUndefined();
  expect(addressed("1,200")).toBe("1,200");
  expect(addressedNumber("1,200")).toBeNull();
  // An address of old could have meant 1,200 by this: it is not guessed, and a field shows it as it is.
  expect(addressed("1.200")).toBe("1.200");
  expect(addressedNumber("1.200")).toBeNull();
  expect(addressedNumber("0500")).toBeNull();
  expect(addressedEntry("1.200", "de")).toBe("1.200");
  expect(addressedEntry("1200.5", "de")).toBe("1200,5");
});

test.each(["en", "de", "fr", "de-AT", "de-CH", "ja", "ar-EG", "sv", "hi"])(
  "a field in %s reads what it shows",
  (tag) => {
    for (const value of [0.6, 1.234, 1200, 1200.5, 123456.789, -8.4821])
      expect(figure(entry(value, tag), tag)).toBe(value);
  },
);

test("a field shows figures in the reader's form, and leaves alone what is none", () => {
  expect(entry("1200.5", "de")).toBe("1200,5");
  expect(entry("1200.5", "en")).toBe("1200.5");
  expect(entry("1,200", "de")).toBe("1,200");
  expect(entry("", "de")).toBe("");
});

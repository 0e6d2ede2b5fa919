import { expect, it } from "vitest";
import { countries } from "./countries";
import { country, countryText } from "./format";

it("names each country once, in the order of the names", () => {
  const all = countries();
  expect(all).toHaveLength(250);
  expect(new Set(all.map(({ code }) => code)).size).toBe(250);
  expect(all.every(({ code, name }) => name !== code)).toBe(true);
  const names = all.map(({ name }) => name);
  expect(names.indexOf("Austria")).toBeLessThan(names.indexOf("Germany"));
});

it("gives countries the codes that are mistaken for others", () => {
  const codeOf = (name: string) => countries().find((one) => one.name === name)?.code;
  expect(["Germany", "Georgia", "Austria", "Australia", "China", "Switzerland"].map(codeOf)).toEqual([
    "DE",
    "GE",
    "AT",
    "AU",
    "CN",
    "CH",
  ]);
});

it("writes a country with its code, and leaves alone what is no code", () => {
  expect(countryText("de")).toBe("Germany (DE)");
  expect(countryText("ZZZ")).toBe("ZZZ");
  expect(country("India")).toBe("India");
});

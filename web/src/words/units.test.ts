import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { addressed } from "./parse";
import {
  addressedWeightEntry,
  canonicalWeight,
  convertedEntry,
  followWeightUnit,
  freight,
  fromKilograms,
  toKilograms,
  weightEntry,
  weightFigure,
  weightText,
  withUnit,
} from "./units";

afterEach(() => followWeightUnit(() => "kg"));

describe("in kilograms", () => {
  it("leaves weights as they are", () => {
    expect([fromKilograms(453.6), toKilograms(453.6), toKilograms(0.05)]).toEqual([453.6, 453.6, 0.05]);
    expect([weightText(1200.5), weightEntry(1200.5), canonicalWeight("1,200.5")]).toEqual([
      "1,200.5 kg",
      "1200.5",
      "1200.5",
    ]);
    expect(withUnit("Weight (kg)")).toBe("Weight (kg)");
  });
});

describe("in pounds", () => {
  beforeEach(() => followWeightUnit(() => "lb"));

  test.each([
    [1000, 453.6],
    [1, 0.5],
    [2204.62262185, 1000],
    [100, 45.4],
    [0, 0],
    [0.1, 0.1],
    [22_046_225, 9_999_999.5],
  ])("%d lb are %d kg, which hold them", (pounds, kilograms) => {
    expect(toKilograms(pounds)).toBe(kilograms);
    expect(kilograms / 0.45359237).toBeGreaterThan(pounds - 1e-6);
  });

  test.each([
    [453.6, "1,000 lb"],
    [100, "220.4 lb"],
    [0, "0 lb"],
    [0.1, "0.2 lb"],
    [12_400, "27,337.3 lb"],
  ])("%d kg are shown as %s", (kilograms, text) => {
    expect(weightText(kilograms)).toBe(text);
  });

  it("comes back from a field to the same tenth of a kilogram", () => {
    for (let tenths = 1; tenths <= 200_000; tenths += 1) {
      const kilograms = tenths / 10;
      if (toKilograms(fromKilograms(kilograms)) !== kilograms) expect.fail(`${kilograms} kg`);
    }
  });

  it("reads what is typed, and writes addresses in kilograms", () => {
    expect(canonicalWeight("1,000")).toBe("453.6");
    expect(addressed(canonicalWeight("1,000"))).toBe(453.6);
    expect(addressedWeightEntry("453.6")).toBe("1000");
    expect(weightFigure("1,000")).toBe(453.6);
    expect(weightFigure(" ")).toBeUndefined();
    // For the API, which names the field.
    expect([weightFigure("a ton"), canonicalWeight("a ton"), addressedWeightEntry("1.000")]).toEqual([
      "a ton",
      "a ton",
      "1.000",
    ]);
  });

  it("a form reads and writes the unit that it names, whatever the account has by now", () => {
    expect([canonicalWeight("1000", "kg"), weightFigure("1000", "kg"), weightEntry(453.6, "kg")]).toEqual([
      "1000",
      1000,
      "453.6",
    ]);
    expect([addressedWeightEntry("453.6", "kg"), withUnit("Weight (kg)", "kg")]).toEqual(["453.6", "Weight (kg)"]);
  });

  it("what is typed is converted when the unit changes, and what is no number stays", () => {
    expect(convertedEntry("453.6", "kg", "lb")).toBe("1000");
    expect(convertedEntry("1,000", "lb", "kg")).toBe("453.6");
    expect([convertedEntry("1,000", "lb", "lb"), convertedEntry("a ton", "kg", "lb")]).toEqual(["1,000", "a ton"]);
    expect(convertedEntry("", "kg", "lb")).toBe("");
  });

  it("names the unit", () => {
    expect([withUnit("Weight (kg)"), withUnit("Per kg"), withUnit("Weight")]).toEqual([
      "Weight (lb)",
      "Per lb",
      "Weight",
    ]);
    expect(freight({ pieces: 3, weight_kg: 453.6 })).toBe("3 pieces, 1,000 lb");
  });
});

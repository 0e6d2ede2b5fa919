import { expect, it } from "vitest";
import { basisOf, nameOf, type Line } from "./price";

const line = (more: Partial<Line>): Line => ({
  kind: "SURCHARGE",
  code: null,
  leg: null,
  basis: "PER_KG_CHARGEABLE",
  quantity: 500,
  rate: "0.85",
  rate_class: null,
  rated_weight_kg: null,
  amount: { amount: "425.00", currency: "USD" },
  rule: null,
  text: "",
  ...more,
});

it("names what is charged", () => {
  const flights = ["AI131", "AI132"];
  expect(nameOf(line({ kind: "WEIGHT", code: "EUROPE" }), flights)).toBe("Carriage");
  expect(nameOf(line({ code: "MYC" }), flights)).toBe("Fuel surcharge");
  expect(nameOf(line({ code: "SCA", leg: 2 }), flights)).toBe("Security surcharge, AI132");
  expect(nameOf(line({ code: "ZZC" }), flights)).toBe("Surcharge ZZC");
  expect(nameOf(line({ kind: "DISCOUNT", code: "SPRING" }), flights)).toBe("Discount SPRING");
  expect(nameOf(line({ kind: "DISCOUNT" }), flights)).toBe("Discount");
});

it("says how an amount comes about", () => {
  expect(basisOf(line({}))).toBe("500 kg at 0.85");
  const carriage = line({
    quantity: 98,
    rated_weight_kg: 100,
    rate: "9",
    amount: { amount: "900.00", currency: "USD" },
  });
  expect(basisOf(carriage)).toBe("98 kg, charged as 100 kg, at 9.00");
  expect(basisOf(line({ quantity: 2, rate: null }))).toBe("2 kg, the minimum");
  expect(basisOf(line({ basis: "FLAT", quantity: 1, rate: "95" }))).toBe("");
  expect(basisOf(line({ basis: "PERCENT", quantity: null, rate: "10" }))).toBe("10 % of the carriage");
});

it("says where a bound decides", () => {
  const security = { quantity: 98, rate: "0.15", basis: "PER_KG_ACTUAL" } as const;
  expect(basisOf(line({ ...security, amount: { amount: "14.70", currency: "USD" } }))).toBe("98 kg at 0.15");
  expect(basisOf(line({ ...security, amount: { amount: "20.00", currency: "USD" } }))).toBe(
    "98 kg at 0.15, the minimum charge",
  );
  expect(basisOf(line({ ...security, amount: { amount: "10.00", currency: "USD" } }))).toBe(
    "98 kg at 0.15, the maximum charge",
  );
  // Rounded once, half up.
  expect(basisOf(line({ quantity: 33.3, rate: "0.3333", amount: { amount: "11.10", currency: "USD" } }))).toBe(
    "33.3 kg at 0.3333",
  );
  expect(basisOf(line({ quantity: 30, rate: "16.5", amount: { amount: "495", currency: "JPY" } }))).toBe(
    "30 kg at 16.50",
  );
});

import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { followWeightUnit } from "../../words/units";
import { changed, entered, label, members, memberText, patch, saved } from "./amendment";

afterEach(() => followWeightUnit(() => "kg"));

const booking = {
  status: "BOOKED",
  pieces: 3,
  weight_kg: 100,
  volume_m3: 0.6,
  positions: 0,
  dimensions: null,
  special_handling_codes: ["PER"],
  awb_number: null,
  description: "Shoes",
  customer_reference: null,
  shipper: { name: "Sunrise" },
  consignee: null,
} as unknown as Schemas["Booking"];

it("sends what was changed, and nothing else", () => {
  const before = entered(booking, "kg");
  const now = { ...before, weight_kg: "120,5", description: " ", "shipper/name": "Sunset", "consignee/city": "Bonn" };
  expect(changed(before, now)).toEqual(["weight_kg", "description", "shipper/name", "consignee/city"]);
  expect(patch(before, now, "kg")).toEqual({
    weight_kg: 120.5,
    description: null,
    shipper: { name: "Sunset" },
    consignee: { city: "Bonn" },
  });
  expect(patch(before, { ...before, "shipper/name": "", special_handling_codes: "per, avi" }, "kg")).toEqual({
    shipper: null,
    special_handling_codes: ["PER", "AVI"],
  });
  expect(patch(before, { ...before, pieces: "many" }, "kg")).toEqual({ pieces: "many" });
  expect(patch(before, { ...before }, "kg")).toEqual({});
});

it("sends the lines of new dimensions, or that there are none", () => {
  const lines = [{ pieces: 3, length_cm: 120, width_cm: 80, height_cm: 100, weight_kg: null, is_tiltable: true }];
  const before = entered({ ...booking, dimensions: lines } as Schemas["Booking"], "kg");
  expect(before.dimensions).toBe("3x120x80x100xxt");
  expect(patch(before, { ...before, dimensions: "" }, "kg")).toEqual({ dimensions: null });
  expect(patch(before, { ...before, dimensions: "2x60x40x40x7.5" }, "kg")).toEqual({
    dimensions: [{ pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: 7.5 }],
  });
  expect(memberText("dimensions", before.dimensions)).toBe("3 × 120 × 80 × 100 cm");
  expect(members({ ...booking, status: "DEPARTED" })).not.toContain("dimensions");
});

it("shows the figures that new dimensions bring along, and sends none of them", () => {
  const before = entered(booking, "kg");
  const now = { ...before, dimensions: "2x60x40x40x7.5" };
  const after = saved(before, now, "kg");
  expect(changed(before, after)).toEqual(["pieces", "weight_kg", "volume_m3", "dimensions"]);
  expect([after.pieces, after.weight_kg, after.volume_m3]).toEqual(["2", "15", "0.192"]);
  expect(saved(before, { ...now, volume_m3: "1" }, "kg").volume_m3).toBe("1");
  expect(Object.keys(patch(before, now, "kg"))).toEqual(["dimensions"]);
});

it("offers what may be changed now", () => {
  expect(members(booking)).toContain("weight_kg");
  expect(members({ ...booking, status: "DEPARTED" })).not.toContain("weight_kg");
  expect(members({ ...booking, status: "DELIVERED" })).toEqual([]);
});

it("sends kilograms of a weight that is changed in pounds, and nothing of one that is not", () => {
  const before = entered(booking, "lb");
  expect(before.weight_kg).toBe("220.4");
  expect(patch(before, { ...before, description: "Boots" }, "lb")).toEqual({ description: "Boots" });
  expect(patch(before, { ...before, weight_kg: "1,000" }, "lb")).toEqual({ weight_kg: 453.6 });
  expect(patch(before, { ...before, weight_kg: "a ton" }, "lb")).toEqual({ weight_kg: "a ton" });
  expect(label("weight_kg", "lb")).toBe("Weight (lb)");
});

it("a form that began in pounds reads pounds when the account has kilograms by now, and amends no weight by itself", () => {
  followWeightUnit(() => "kg");
  const before = entered(booking, "lb");
  expect(patch(before, { ...before, description: "Boots" }, "lb")).toEqual({ description: "Boots" });
  expect(patch(before, { ...before, weight_kg: "1000" }, "lb")).toEqual({ weight_kg: 453.6 });
});

import { expect, it } from "vitest";
import type { Schemas } from "../../api/problem";
import { changed, entered, members, patch } from "./amendment";

const booking = {
  status: "BOOKED",
  pieces: 3,
  weight_kg: 100,
  volume_m3: 0.6,
  awb_number: null,
  description: "Shoes",
  customer_reference: null,
  shipper: { name: "Sunrise" },
  consignee: null,
} as unknown as Schemas["Booking"];

it("sends what was changed, and nothing else", () => {
  const before = entered(booking);
  const now = { ...before, weight_kg: "120,5", description: " ", shipper: "Sunset", consignee: "" };
  expect(changed(before, now)).toEqual(["weight_kg", "description", "shipper"]);
  expect(patch(before, now)).toEqual({ weight_kg: 120.5, description: null, shipper: { name: "Sunset" } });
  expect(patch(before, { ...before, pieces: "many" })).toEqual({ pieces: "many" });
  expect(patch(before, { ...before })).toEqual({});
});

it("offers what may be changed now", () => {
  expect(members(booking)).toContain("weight_kg");
  expect(members({ ...booking, status: "DEPARTED" })).not.toContain("weight_kg");
  expect(members({ ...booking, status: "DELIVERED" })).toEqual([]);
});

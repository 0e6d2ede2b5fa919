import { expect, test } from "vitest";
import { addressWith, askedBy } from "./address";

const asked = (query: string, isStaff = true) => askedBy(new URLSearchParams(query), isStaff);

test("an address without a section shows open payments, and one of all shows all", () => {
  expect(asked("")).toEqual({ due: "OPEN" });
  expect(asked("show=REFUND")).toEqual({ due: "REFUND" });
  expect(asked("show=all")).toEqual({});
});

test("filters by booking and organization combine with the section; only staff names an organization", () => {
  const query = "show=FAILED&ref_id=ACB1&organization_id=o1";
  expect(asked(query)).toEqual({ due: "FAILED", ref_id: "ACB1", organization_id: "o1" });
  expect(asked(query, false)).toEqual({ due: "FAILED", ref_id: "ACB1" });
});

test("another section keeps the filters, and a filter that is taken out leaves the section", () => {
  const query = new URLSearchParams("show=FAILED&ref_id=ACB1");
  expect(addressWith(query, { show: "OPEN" })).toBe("/payments?show=OPEN&ref_id=ACB1");
  expect(addressWith(query, { ref_id: null })).toBe("/payments?show=FAILED");
  expect(addressWith(new URLSearchParams("ref_id=ACB1"), { ref_id: null })).toBe("/payments");
});

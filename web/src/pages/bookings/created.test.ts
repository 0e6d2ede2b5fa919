import { expect, it } from "vitest";
import { dateOf, instantOf } from "./created";

it("a date of the address is a day of UTC, its end included", () => {
  expect(instantOf("created_from", "2026-11-30")).toBe("2026-11-30T00:00:00Z");
  expect(instantOf("created_to", "2026-11-30")).toBe("2026-12-01T00:00:00Z");
  expect([dateOf("created_from", "2026-11-30"), dateOf("created_to", "2026-11-30")]).toEqual([
    "2026-11-30",
    "2026-11-30",
  ]);
});

it("an instant is taken as it is, and its field shows the last date before the end", () => {
  expect(instantOf("created_to", "2026-11-30T18:30:00.000Z")).toBe("2026-11-30T18:30:00.000Z");
  expect(dateOf("created_from", "2026-11-29T18:30:00.000Z")).toBe("2026-11-29");
  expect(dateOf("created_to", "2026-12-01T00:00:00.000Z")).toBe("2026-11-30");
});

it("nothing is no bound", () => {
  expect([instantOf("created_from", null), instantOf("created_to", "")]).toEqual([undefined, undefined]);
  expect(dateOf("created_to", null)).toBe("");
});

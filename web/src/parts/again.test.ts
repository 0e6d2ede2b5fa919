import { beforeEach, expect, it, vi } from "vitest";
import { againFor, forgetAgain, keepAgain, type Again } from "./again";

const again: Again = {
  ...{ person: "ann", origin: "DEL", destination: "LHR", description: "Shoes" },
  ...{ shipper: { name: "Sole" }, consignee: null, contact: null, product: null },
};

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
});

it("keeps a booking for its lane, and for the person who chose it", () => {
  keepAgain(again);
  expect(againFor("ann", "DEL", "LHR")).toEqual(again);
  expect(againFor("ann", "DEL", "CDG")).toBeNull();
  expect(againFor("ann", "LHR", "DEL")).toBeNull();
  expect(againFor("ben", "DEL", "LHR")).toBeNull();
  expect(againFor(null, "DEL", "LHR")).toBeNull();
});

it("keeps the booking that was chosen last, until it is forgotten", () => {
  keepAgain(again);
  keepAgain({ ...again, description: "Hats" });
  expect(againFor("ann", "DEL", "LHR")?.description).toBe("Hats");
  forgetAgain();
  expect(againFor("ann", "DEL", "LHR")).toBeNull();
});

import { expect, it, vi } from "vitest";
import { forgetTyped, keepTyped, typedFor } from "./typed";

function storage(): void {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
}

it("keeps what was typed for one hold, and for who typed it", () => {
  storage();
  keepTyped("one", "ann", { description: "Shoes" });
  expect(typedFor("one", "ann")).toEqual({ description: "Shoes" });
  expect(typedFor("two", "ann")).toBeNull();
  expect(typedFor("one", "ben")).toBeNull();
  expect(typedFor("one", null)).toBeNull();
  forgetTyped();
  expect(typedFor("one", "ann")).toBeNull();
});

it("keeps what was typed for a few holds, and forgets that of one", () => {
  storage();
  for (const hold of ["one", "two", "three", "four", "five", "six"]) keepTyped(hold, "ann", { description: hold });
  expect(typedFor("one", "ann")).toBeNull();
  expect(typedFor("two", "ann")).toEqual({ description: "two" });
  forgetTyped("six");
  expect(typedFor("six", "ann")).toBeNull();
  expect(typedFor("five", "ann")).toEqual({ description: "five" });
});

it("gives a guest who signs in what the guest typed", () => {
  storage();
  keepTyped("one", null, { description: "Shoes" });
  expect(typedFor("one", "ann")).toEqual({ description: "Shoes" });
});

it("goes on without storage", () => {
  vi.stubGlobal("sessionStorage", undefined);
  keepTyped("one", null, {});
  expect(typedFor("one", null)).toBeNull();
  forgetTyped();
});

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

it("keeps what was typed for one hold", () => {
  storage();
  keepTyped("one", { description: "Shoes" });
  expect(typedFor("one")).toEqual({ description: "Shoes" });
  expect(typedFor("two")).toBeNull();
  forgetTyped();
  expect(typedFor("one")).toBeNull();
});

it("goes on without storage", () => {
  vi.stubGlobal("sessionStorage", undefined);
  keepTyped("one", {});
  expect(typedFor("one")).toBeNull();
  forgetTyped();
});

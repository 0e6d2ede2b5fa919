import { afterEach, expect, it, vi } from "vitest";
import { store, stored, storedText, storeText } from "./stored";

afterEach(() => vi.unstubAllGlobals());

it("keeps texts as they are and values as JSON, and removes both", () => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  storeText("localStorage", "theme", "dark");
  store("localStorage", "value", { a: 1 });
  expect([storedText("localStorage", "theme"), stored("localStorage", "value")]).toEqual(["dark", { a: 1 }]);
  // A text is no value.
  expect(stored("localStorage", "theme")).toBeNull();
  storeText("localStorage", "theme", null);
  store("localStorage", "value", null);
  expect([storedText("localStorage", "theme"), stored("localStorage", "value"), kept.size]).toEqual([null, null, 0]);
});

it("keeps nothing, without an error, where storage is switched off", () => {
  const off = () => {
    throw new Error("SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: off, setItem: off, removeItem: off });
  store("sessionStorage", "value", 1);
  expect([stored("sessionStorage", "value"), storedText("sessionStorage", "value")]).toEqual([null, null]);
});

import { expect, it, vi } from "vitest";

it("a claim and an invitation outlive the reload that the console makes, and are not left in the storage", async () => {
  const stored = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
  });
  const loaded = async () => {
    vi.resetModules();
    return import("./kept");
  };
  const before = await loaded();
  expect(before.kept.claim).toBe("");
  before.kept.claim = "secret";
  before.kept.invitation = "token";
  expect(stored.size).toBe(0);
  before.keepOverReload();
  expect((await loaded()).kept).toEqual({ claim: "secret", invitation: "token" });
  expect(stored.size).toBe(0);
  expect((await loaded()).kept).toEqual({ claim: "", invitation: "" });
});

import { describe, expect, it } from "vitest";
import { match, resolve } from "./router.svelte";

describe("match", () => {
  it("reads parameters", () => {
    expect(match("/flights/{id}", "/flights/42")).toEqual({ id: "42" });
    expect(match("/bookings/{ref}/documents", "/bookings/ACB1/documents/")).toEqual({ ref: "ACB1" });
    expect(match("/track/{number}", "/track/098%2F1")).toEqual({ number: "098/1" });
    expect(match("/", "/")).toEqual({});
  });
  it("refuses what has another form", () => {
    expect(match("/flights/{id}", "/flights")).toBeNull();
    expect(match("/flights/{id}", "/flights/")).toBeNull();
    expect(match("/flights/{id}", "/flights/1/2")).toBeNull();
    expect(match("/track/{number}", "/track/%E0%A4%A")).toBeNull();
  });
});

describe("resolve", () => {
  const pages = [{ path: "/flights/new" }, { path: "/flights/{id}" }];
  it("takes the first that fits", () => {
    expect(resolve(pages, "/flights/new")?.found.path).toBe("/flights/new");
    expect(resolve(pages, "/flights/7")).toEqual({ found: pages[1], params: { id: "7" } });
    expect(resolve(pages, "/nowhere")).toBeNull();
  });
});

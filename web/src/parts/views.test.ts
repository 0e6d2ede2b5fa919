import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { forgetView, keepView, MOST_VIEWS, queryText, viewsOf } from "./views";

const view = (name: string, query = "status=BOOKED", path = "/bookings") => ({ name, path, query });

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
});
afterEach(() => vi.unstubAllGlobals());

it("views are kept for the person who named them, and forgotten", () => {
  expect(keepView("ann", view("Booked"))).toBe("kept");
  expect([viewsOf("ann"), viewsOf("bob")]).toEqual([[view("Booked")], []]);
  forgetView("ann", view("Booked"));
  expect(viewsOf("ann")).toEqual([]);
});

it("a name stands for one view of a list, the last one", () => {
  keepView("ann", view("Mine"));
  keepView("ann", view("Mine", "show=all", "/payments"));
  keepView("ann", view("Mine", "origin=DEL"));
  expect(viewsOf("ann")).toEqual([view("Mine", "show=all", "/payments"), view("Mine", "origin=DEL")]);
});

it("no more than twenty are kept, and one of those can still be replaced", () => {
  for (let count = 0; count < MOST_VIEWS; count += 1) keepView("ann", view(String(count)));
  expect(keepView("ann", view("one more"))).toBe("full");
  expect(keepView("ann", view("7", "origin=DEL"))).toBe("kept");
  expect(viewsOf("ann")).toHaveLength(MOST_VIEWS);
});

it("a browser that keeps nothing refuses, and what is no list of views is none", () => {
  localStorage.setItem("loadmaster.views.ann", '{"name":"x"}');
  expect(viewsOf("ann")).toEqual([]);
  vi.stubGlobal("localStorage", undefined);
  expect(keepView("ann", view("Booked"))).toBe("refused");
});

it("what is no view is left out, and of two with one name the first is shown", () => {
  const kept = [null, "x", { name: "Half" }, view("Mine"), view("Mine", "origin=DEL"), view("Mine", "", "/payments")];
  localStorage.setItem("loadmaster.views.ann", JSON.stringify(kept));
  expect(viewsOf("ann")).toEqual([view("Mine"), view("Mine", "", "/payments")]);
});

it("what is searched for is not part of a view", () => {
  expect(queryText(new URLSearchParams("q=Ann+Lee&status=BOOKED"))).toBe("status=BOOKED");
  localStorage.setItem("loadmaster.views.ann", JSON.stringify([view("Mine", "q=Ann+Lee&status=BOOKED")]));
  expect(viewsOf("ann")).toEqual([view("Mine")]);
});

it("the order of parameters makes no other view", () => {
  expect(queryText(new URLSearchParams("status=BOOKED&origin=DEL"))).toBe("origin=DEL&status=BOOKED");
});

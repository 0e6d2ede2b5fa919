import { afterEach, expect, test, vi } from "vitest";
import { api } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { askedOf } from "./asked";
import { compared, otherProducts, readProducts } from "./products";

type SearchResult = Schemas["SearchResult"];

afterEach(() => vi.restoreAllMocks());

const asked = askedOf(new URLSearchParams("origin=DEL&destination=LHR&date=2026-12-02&weight=500"), "2026-12-01");

/** Direct flights with these totals, and connections of two flights. */
function found(direct: Record<string, string | null>, more: object = {}): SearchResult {
  const price = (amount: string | null) => amount && { total: { amount, currency: "USD" } };
  return {
    direct_flights: Object.entries(direct).map(([id, amount]) => ({ id, price: price(amount) })),
    transit_routes: [{ flights: [{ id: "c1" }, { id: "c2" }], price: price("300.00") }],
    ...more,
  } as unknown as SearchResult;
}

test("asks for the products beside GENERAL, five at most, and for none where there is no other", () => {
  expect(otherProducts(found({}))).toEqual([]);
  expect(otherProducts(found({}, { products: ["GENERAL"] }))).toEqual([]);
  const products = ["GENERAL", "A", "B", "C", "D", "E", "F"];
  expect(otherProducts(found({}, { products }))).toEqual(["A", "B", "C", "D", "E"]);
});

test("searches once for each product, for the same freight", async () => {
  const bodies: { product: string }[] = [];
  vi.spyOn(api, "POST").mockImplementation((_path: unknown, init: unknown) => {
    const { body } = init as { body: { product: string } };
    bodies.push(body);
    const data = found({ f: body.product === "EXPRESS" ? "120.00" : null });
    return Promise.resolve({ data, response: new Response() }) as never;
  });
  const read = await readProducts(asked, ["EXPRESS", "ROSES"]);
  expect(read.map(({ product, prices }) => [product, prices["f"]?.total.amount])).toEqual([
    ["EXPRESS", "120.00"],
    ["ROSES", undefined],
  ]);
  const freight = { origin: "DEL", destination: "LHR", departure_date: "2026-12-02", weight_kg: 500, price: true };
  expect(bodies).toEqual([
    { ...freight, product: "EXPRESS" },
    { ...freight, product: "ROSES" },
  ]);
});

test("compares the products whose price differs on any option, and nothing where none does", () => {
  const general = found({ f: "90.00", g: "95.00" }, { alternatives: [{ flights: [{ id: "x" }], price: null }] });
  const of = (product: string, f: string | null, c: string) => ({
    product,
    prices: Object.fromEntries(
      Object.entries({ f, g: "95.00", "c1,c2": c, x: null }).map(([key, amount]) => [
        key,
        amount === null ? null : ({ total: { amount, currency: "USD" } } as Schemas["RoutePrice"]),
      ]),
    ),
  });
  const same = of("SAME", "90.00", "300.00");
  const shown = (others: Parameters<typeof compared>[1]) => compared(general, others).map(({ product }) => product);
  expect(shown([])).toEqual([]);
  expect(shown([same])).toEqual([]);
  expect(
    shown([same, of("EXPRESS", "120.00", "300.00"), of("LEG", "90.00", "301.00"), of("NONE", null, "300.00")]),
  ).toEqual(["GENERAL", "EXPRESS", "LEG", "NONE"]);
});

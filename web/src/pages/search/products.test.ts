import { afterEach, expect, test, vi } from "vitest";
import { api } from "../../api/client";
import type { Problem, Schemas } from "../../api/problem";
import { askedOf } from "./asked";
import { compared, otherProducts, type ProductPrices } from "./products";
import { ProductSearches } from "./products.svelte";

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

/** Answers searches by their product, and keeps what was asked. */
function server(answer: (product: string, signal: AbortSignal) => Promise<SearchResult>) {
  const bodies: { product: string }[] = [];
  vi.spyOn(api, "POST").mockImplementation((_path: unknown, init: unknown) => {
    const { body, signal } = init as { body: { product: string }; signal: AbortSignal };
    bodies.push(body);
    return answer(body.product, signal).then((data) => ({ data, response: new Response() })) as never;
  });
  return bodies;
}
const shownBy = (searches: ProductSearches) =>
  searches.columns.map(({ product, prices, problem }) => [product, prices?.["f"]?.total.amount, problem !== null]);

test("searches once for each product, for the same freight", async () => {
  const bodies = server((product) => Promise.resolve(found({ f: product === "EXPRESS" ? "120.00" : null })));
  const searches = new ProductSearches();
  await searches.read(asked, ["EXPRESS", "ROSES"]);
  expect(shownBy(searches)).toEqual([
    ["EXPRESS", "120.00", false],
    ["ROSES", undefined, false],
  ]);
  const freight = { origin: "DEL", destination: "LHR", departure_date: "2026-12-02", weight_kg: 500, price: true };
  expect(bodies).toEqual([
    { ...freight, product: "EXPRESS" },
    { ...freight, product: "ROSES" },
  ]);
});

test("a product that fails keeps its column, the others are read, and it can be read again", async () => {
  let isAway = true;
  const bodies = server((product) =>
    product === "EXPRESS" && isAway ? Promise.reject(new Error("away")) : Promise.resolve(found({ f: "120.00" })),
  );
  const searches = new ProductSearches();
  await searches.read(asked, ["EXPRESS", "ROSES"]);
  expect(shownBy(searches)).toEqual([
    ["EXPRESS", undefined, true],
    ["ROSES", "120.00", false],
  ]);
  isAway = false;
  const again = searches.retry("EXPRESS");
  expect(shownBy(searches)[0]).toEqual(["EXPRESS", undefined, false]);
  await again;
  expect(shownBy(searches)[0]).toEqual(["EXPRESS", "120.00", false]);
  expect(bodies.map(({ product }) => product)).toEqual(["EXPRESS", "ROSES", "EXPRESS"]);
});

test("a newer search, and the end of the page, abort what is read", async () => {
  const signals: AbortSignal[] = [];
  const bodies = server(
    (_product, signal) =>
      new Promise((_resolve, reject) => {
        signals.push(signal);
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      }),
  );
  const searches = new ProductSearches();
  const before = searches.read(asked, ["EXPRESS", "ROSES"]);
  const after = searches.read(asked, ["ROSES"]);
  await before;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(shownBy(searches)).toEqual([["ROSES", undefined, false]]);
  searches.end();
  await after;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(bodies.map(({ product }) => product)).toEqual(["EXPRESS", "ROSES"]);
  expect(shownBy(searches), "an abandoned search is no failure").toEqual([["ROSES", undefined, false]]);
});

test("compares the products whose price differs on any option that both offer, and nothing where none does", () => {
  const general = found({ f: "90.00", g: "95.00" }, { alternatives: [{ flights: [{ id: "x" }], price: null }] });
  const of = (product: string, f: string | null, c: string): ProductPrices => ({
    product,
    problem: null,
    prices: Object.fromEntries(
      Object.entries({ f, g: "95.00", "c1,c2": c, x: null }).map(([key, amount]) => [
        key,
        amount === null ? null : ({ total: { amount, currency: "USD" } } as Schemas["RoutePrice"]),
      ]),
    ),
  });
  const same = of("SAME", "90.00", "300.00");
  const fewer: ProductPrices = { product: "FEWER", problem: null, prices: { g: same.prices?.["g"] ?? null } };
  const shown = (others: readonly ProductPrices[], isSlow = false) =>
    compared(general, others, isSlow).map(({ product }) => product);
  expect(shown([])).toEqual([]);
  expect(shown([same])).toEqual([]);
  expect(shown([fewer]), "what it does not offer is no difference").toEqual([]);
  expect(
    shown([same, of("EXPRESS", "120.00", "300.00"), of("LEG", "90.00", "301.00"), of("NONE", null, "300.00")]),
  ).toEqual(["GENERAL", "EXPRESS", "LEG", "NONE"]);
  const reading: ProductPrices = { product: "READING", prices: null, problem: null };
  expect(shown([reading])).toEqual([]);
  expect(shown([reading], true)).toEqual(["GENERAL", "READING"]);
  expect(shown([{ ...reading, problem: new Error() as Problem }])).toEqual(["GENERAL", "READING"]);
});

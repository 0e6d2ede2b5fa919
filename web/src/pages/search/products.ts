// What the options of a search cost as each of the products that tariffs rate on its lane.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { searchBody, type Asked } from "./asked";
import { optionOf, optionsOf } from "./options";

type SearchResult = Schemas["SearchResult"];
type Price = Schemas["RoutePrice"];

/** The product of freight for which none is named: that of a search. */
export const GENERAL = "GENERAL";
/** Most products beside it: a table has no room for more columns, and each takes a search. */
const MOST = 5;

/** The prices of a product, by the keys of the options; null: no rate applies. */
export interface ProductPrices {
  product: string;
  prices: Record<string, Price | null>;
}

/** The products beside `GENERAL`. */
export const otherProducts = (found: SearchResult): string[] =>
  (found.products ?? []).filter((product) => product !== GENERAL).slice(0, MOST);

function pricesOf(product: string, found: SearchResult): ProductPrices {
  const options = [...optionsOf(found), ...(found.alternatives ?? []).map(optionOf)];
  return { product, prices: Object.fromEntries(options.map(({ key, price }) => [key, price ?? null])) };
}

/** Reads the prices of these products, one search after the other: together they could exceed the limit of a caller. */
export async function readProducts(asked: Asked, products: readonly string[]): Promise<ProductPrices[]> {
  const all: ProductPrices[] = [];
  for (const product of products) {
    const { data } = await take(api.POST("/api/v1/routes/search", { body: { ...searchBody(asked), product } }));
    all.push(pricesOf(product, data));
  }
  return all;
}

const isSame = (a: Price | null | undefined, b: Price | null | undefined): boolean =>
  a?.total.amount === b?.total.amount && a?.total.currency === b?.total.currency;

/** The products that get a column: `GENERAL` and those whose price differs from its on any option; none without one. */
export function compared(found: SearchResult, others: readonly ProductPrices[]): ProductPrices[] {
  const general = pricesOf(GENERAL, found);
  const different = others.filter(({ prices }) =>
    Object.keys(general.prices).some((key) => !isSame(prices[key], general.prices[key])),
  );
  return different.length === 0 ? [] : [general, ...different];
}

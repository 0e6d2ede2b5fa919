// What the options of a search cost as each of the products that tariffs rate on its lane.
import type { Problem, Schemas } from "../../api/problem";
import { optionOf, optionsOf } from "./options";

type SearchResult = Schemas["SearchResult"];
type Price = Schemas["RoutePrice"];

/** The product of freight for which none is named: that of a search. */
export const GENERAL = "GENERAL";
/** Most products beside it: a table has no room for more columns, and each takes a search. */
const MOST = 5;

/** By the keys of the options; null: no rate applies. An option that is not offered as the product has no entry. */
export type Prices = Readonly<Record<string, Price | null>>;

/** The column of a product. */
export interface ProductPrices {
  product: string;
  /** Nothing while they are read, and where they could not be. */
  prices: Prices | null;
  /** Why they could not be read. */
  problem: Problem | null;
}

/** The products beside `GENERAL`. */
export const otherProducts = (found: SearchResult): string[] =>
  (found.products ?? []).filter((product) => product !== GENERAL).slice(0, MOST);

/** The prices of an answer. */
export function pricesOf(found: SearchResult): Prices {
  const options = [...optionsOf(found), ...(found.alternatives ?? []).map(optionOf)];
  return Object.fromEntries(options.map(({ key, price }) => [key, price ?? null]));
}

const isSame = (a: Price | null | undefined, b: Price | null | undefined): boolean =>
  a?.total.amount === b?.total.amount && a?.total.currency === b?.total.currency;

/**
 * The products that get a column: `GENERAL`, those whose price differs from its on any option that both offer, those that could not
 * be read, and with `isSlow` those that are still read; none without another one than `GENERAL`.
 */
export function compared(found: SearchResult, others: readonly ProductPrices[], isSlow: boolean): ProductPrices[] {
  const general = pricesOf(found);
  const shown = others.filter(({ prices, problem }) => {
    if (prices === null) return problem !== null || isSlow;
    return Object.keys(general).some((key) => key in prices && !isSame(prices[key], general[key]));
  });
  return shown.length === 0 ? [] : [{ product: GENERAL, prices: general, problem: null }, ...shown];
}

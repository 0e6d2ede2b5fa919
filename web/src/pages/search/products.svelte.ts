// Reads what a search costs as other products.
import { api, take } from "../../api/client";
import { asProblem } from "../../api/problem";
import { PATIENCE_MS } from "../../parts/load.svelte";
import { resultOf, searchBody, type Asked } from "./asked";
import { pricesOf, type ProductPrices } from "./products";

export class ProductSearches {
  columns = $state.raw<readonly ProductPrices[]>([]);
  /** They take longer than a moment. */
  isSlow = $state(false);
  #asked: Asked | null = null;
  #running: AbortController | null = null;

  /**
   * Reads the prices of these products, one search after the other: together they could exceed the limit of a caller. Each is shown
   * as soon as it is there; what was read for an earlier search is abandoned.
   */
  async read(asked: Asked, products: readonly string[]): Promise<void> {
    this.end();
    const running = new AbortController();
    this.#running = running;
    this.#asked = asked;
    this.isSlow = false;
    this.columns = products.map((product) => ({ product, prices: null, problem: null }));
    const timer = setTimeout(() => {
      if (!running.signal.aborted) this.isSlow = true;
    }, PATIENCE_MS);
    for (const product of products) if (!running.signal.aborted) await this.#readOne(asked, product, running.signal);
    clearTimeout(timer);
  }

  /** Reads the prices of a product again that could not be read. */
  async retry(product: string): Promise<void> {
    const [asked, running] = [this.#asked, this.#running];
    if (!asked || !running) return;
    this.isSlow = true;
    this.#show({ product, prices: null, problem: null });
    await this.#readOne(asked, product, running.signal);
  }

  /** Nobody is shown them any more. */
  end(): void {
    this.#running?.abort();
    this.#running = null;
  }

  async #readOne(asked: Asked, product: string, signal: AbortSignal): Promise<void> {
    try {
      const body = { ...searchBody(asked), product };
      const { data } = await take(api.POST("/api/v1/routes/search", { body, signal }));
      if (!signal.aborted) this.#show({ product, prices: pricesOf(resultOf(data)), problem: null });
    } catch (error) {
      if (!signal.aborted) this.#show({ product, prices: null, problem: asProblem(error) });
    }
  }

  #show(column: ProductPrices): void {
    this.columns = this.columns.map((before) => (before.product === column.product ? column : before));
  }
}

// A form that pays: its key and its terms belong together. The fields of a provider give another token each time they are asked.
import { Form } from "../form.svelte";
import type { Terms } from "./methods";

export class PaymentForm {
  readonly form = new Form();
  #terms: Terms | null = null;
  /** Something else was entered while the terms were being read. */
  #isStale = false;

  /** Sends the terms of `fields`, and the same ones again with the same key, until they are accepted, declined or changed. */
  async send<T>(
    fields: { terms(): Promise<Terms> } | null,
    act: (terms: Terms, header: { "Idempotency-Key": string }) => Promise<T>,
  ): Promise<T | null> {
    if (this.#isStale && !this.form.isBusy) this.#renew();
    const done = await this.form.send(async (header) => {
      this.#terms ??= (await fields?.terms()) ?? {};
      return act(this.#terms, header);
    });
    if (done !== null || this.form.problem?.code === "payment_declined") this.#renew();
    return done;
  }

  /** Another method is chosen, or something else is entered: what waits to be sent again is not sent any more. */
  changed(): void {
    if (this.form.waits) this.form.withdraw();
    if (this.form.isBusy) this.#isStale = true;
    else this.#renew();
  }

  #renew(): void {
    this.#terms = null;
    this.#isStale = false;
    this.form.key.renew();
  }
}

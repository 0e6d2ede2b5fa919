// The version of a booking on which an open dialog acts.
import type { Form } from "../../parts/form.svelte";

/** A version that another person makes while the dialog is open is shown, and acted on only after the user has looked at it. */
export class ActedVersion {
  #shown = $state(0);

  constructor(
    /** The version of the booking that the page shows. */
    private readonly current: () => number,
    private readonly form: Pick<Form, "isBusy" | "waits" | "key" | "withdraw">,
  ) {
    this.#shown = current();
  }

  /** The dialog opens, or shows the booking as it is now: what was about the version before is not sent any more. */
  show(): void {
    this.#shown = this.current();
    this.form.withdraw();
    this.form.key.renew();
  }

  /** Whether the booking has changed since. The own act, on its way or to be sent again, is no such change. */
  get isStale(): boolean {
    return !this.form.isBusy && !this.form.waits && this.current() !== this.#shown;
  }

  get header(): { "If-Match": string } {
    return { "If-Match": `"${this.#shown}"` };
  }
}

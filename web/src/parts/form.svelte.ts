// A form: its faults go to their fields, and it acts once however often it is sent.
import { tick } from "svelte";
import { FormKey } from "../api/client";
import { addressOf, asProblem, faultText, type Fault, type Problem } from "../api/problem";

export class Form {
  isBusy = $state(false);
  problem = $state<Problem | null>(null);
  readonly key = new FormKey();

  /** The message for a field, by its pointer (`/weight_kg`) or its name in a query. */
  fault(pointer: string): string | null {
    const found = this.problem?.faults.filter((fault) => addressOf(fault) === pointer) ?? [];
    return found.length > 0 ? found.map(faultText).join(" ") : null;
  }

  /** Faults of members for which the form has no field. */
  others(pointers: readonly string[]): Fault[] {
    return this.problem?.faults.filter((fault) => !pointers.includes(addressOf(fault))) ?? [];
  }

  /** Sends; returns what came back, or nothing after a fault. A second call while one runs does nothing. */
  async send<T>(act: (headers: { "Idempotency-Key": string }) => Promise<T>): Promise<T | null> {
    if (this.isBusy) return null;
    this.isBusy = true;
    try {
      const done = await act(this.key.header);
      this.problem = null;
      this.key.renew();
      return done;
    } catch (error) {
      const problem = asProblem(error);
      // The key was taken by another request: what is sent now is something else.
      if (problem.code === "idempotency_key_reused") this.key.renew();
      this.problem = problem;
      await focusFirstFault();
      return null;
    } finally {
      this.isBusy = false;
    }
  }
}

/** To the first field with a fault, or to the message. */
export async function focusFirstFault(): Promise<void> {
  await tick();
  const first =
    document.querySelector<HTMLElement>('[aria-invalid="true"]') ?? document.querySelector<HTMLElement>(".failure");
  first?.focus();
}

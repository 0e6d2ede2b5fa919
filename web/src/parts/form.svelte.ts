// A form: its faults go to their fields, and it acts once however often it is sent.
import { tick } from "svelte";
import { FormKey } from "../api/client";
import { connection } from "../api/connection.svelte";
import { asProblem, faultText, isOf, offline, ofServer, type Problem, type ServerFault } from "../api/problem";
import { words } from "../words";

export class Form {
  isBusy = $state(false);
  problem = $state<Problem | null>(null);
  readonly key = new FormKey();
  #giveUp: () => void = () => undefined;
  /** Counts the times that what was sent was withdrawn. */
  #withdrawn = 0;

  /** The message for a field, by its pointer (`/weight_kg`) or its name in a query. */
  fault(pointer: string): ServerFault | null {
    const found = this.problem?.faults.filter((fault) => isOf(fault, pointer)) ?? [];
    return ofServer(found.map(faultText));
  }

  /** Whether something waits to be sent again. */
  get waits(): boolean {
    return Boolean(this.problem?.again);
  }

  /** Sends nothing again that was sent before, and says no more of it: the form was closed, or is about something else now. */
  withdraw(): void {
    this.#withdrawn += 1;
    this.#giveUp();
    this.problem = null;
  }

  /**
   * Sends; returns what came back, or nothing after a fault. A second call while one runs does nothing. What got no answer is sent
   * again when the server is back, as long as that is shown (`Failure`), if the act takes the key by which it is done once.
   * What it sends must not change meanwhile: it is copied before.
   */
  async send<T>(act: (headers: { "Idempotency-Key": string }) => Promise<T>): Promise<T | null> {
    if (this.isBusy) return null;
    // What is sent now takes the place of what waits.
    this.#giveUp();
    for (;;) {
      this.isBusy = true;
      const withdrawn = this.#withdrawn;
      let back: Promise<boolean> | null = null;
      try {
        const done = await act(this.key.header);
        this.problem = null;
        this.key.renew();
        return done;
      } catch (error) {
        const problem = asProblem(error);
        // The key was taken by another request: what is sent now is something else.
        if (problem.code === "idempotency_key_reused") this.key.renew();
        if (problem.isOffline && act.length > 0 && withdrawn === this.#withdrawn) back = this.#back(problem);
        this.problem = problem.isOffline && !back ? offline(words.shell.notSent) : problem;
        await focusFirstFault();
      } finally {
        this.isBusy = false;
      }
      if (!back || !(await back)) return null;
    }
  }

  /** Whether it is to be sent again: the server is back, and nothing else was sent meanwhile. */
  #back(problem: Problem): Promise<boolean> {
    return new Promise((resolve) => {
      this.#giveUp = () => resolve(false);
      const withdraw = () => (this.problem === problem ? this.withdraw() : resolve(false));
      problem.again = { returns: connection.returns, send: () => resolve(true), withdraw };
    });
  }
}

/** To the first field with a fault, or to the message. */
export async function focusFirstFault(): Promise<void> {
  await tick();
  const first =
    document.querySelector<HTMLElement>('[aria-invalid="true"]') ?? document.querySelector<HTMLElement>(".failure");
  first?.focus();
}

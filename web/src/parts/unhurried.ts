// What is read again after changes: at once, but not for each of many.

export class Unhurried {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isAsked = false;

  /** `run` is called at most once in `pauseMs`. */
  constructor(
    private readonly run: () => void,
    private readonly pauseMs: number,
  ) {}

  /** Runs at once; what is asked for within the pause after it runs together at its end. */
  ask(): void {
    if (this.#timer) {
      this.#isAsked = true;
      return;
    }
    this.#isAsked = false;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#isAsked) this.ask();
    }, this.pauseMs);
    this.run();
  }

  /** Runs at once, whenever it ran last; the pause begins anew. */
  now(): void {
    this.end();
    this.ask();
  }

  /** Runs no more of what was asked for. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isAsked = false;
  }
}

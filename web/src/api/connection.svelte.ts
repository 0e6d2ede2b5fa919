// Whether the server answers. While it does not, one small question is asked again and again, and pages reload when it is back.

const ASK_EVERY_MS = 3000;
/** A page that has heard nothing for this time asks whether the server is there. */
const QUIET_MS = 10_000;

class Connection {
  isAway = $state(false);
  /** Grows each time the server is back: pages that depend on it load again. */
  returns = $state(0);
  /** Requests that wait because the server asked them to (429). */
  waiting = $state(0);
  #timer: ReturnType<typeof setInterval> | null = null;
  #hopes: (() => void)[] = [];
  #heard = 0;

  /** Begins to notice, while its tab is seen, that the server went away. */
  watch(): void {
    setInterval(() => {
      if (!document.hidden && !this.isAway && performance.now() - this.#heard >= QUIET_MS) void this.check();
    }, ASK_EVERY_MS);
  }

  answered(): void {
    this.#heard = performance.now();
    if (!this.isAway) return;
    this.isAway = false;
    this.returns += 1;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    for (const hope of this.#hopes.splice(0)) hope();
  }

  failed(): void {
    this.isAway = true;
    this.#timer ??= setInterval(() => void this.ask(), ASK_EVERY_MS);
  }

  /** Resolves when the server answers again. */
  back(): Promise<void> {
    return new Promise((resolve) => {
      this.#hopes.push(resolve);
      this.failed();
    });
  }

  /** Asks the server whether it is there, and keeps asking if it is not. */
  async check(): Promise<void> {
    if (!(await this.ask())) this.failed();
  }

  /** Asks the server whether it is there. */
  async ask(): Promise<boolean> {
    const answer = await fetch("/readyz", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) this.answered();
    return answer?.ok ?? false;
  }
}

export const connection = new Connection();

/** Answers of a proxy in front of a server that is away, or of one that is starting. */
export const isGone = (status: number): boolean => status === 502 || status === 503 || status === 504;

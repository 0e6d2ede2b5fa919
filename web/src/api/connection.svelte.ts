// Whether the server answers. While it does not, one small question is asked again and again, and pages reload when it is back.

const ASK_EVERY_MS = 3000;

class Connection {
  isAway = $state(false);
  /** Grows each time the server is back: pages that depend on it load again. */
  returns = $state(0);
  /** Grows when a session ended while a page was open. */
  endings = $state(0);
  #timer: ReturnType<typeof setInterval> | null = null;

  answered(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.returns += 1;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  failed(): void {
    this.isAway = true;
    this.#timer ??= setInterval(() => void this.#ask(), ASK_EVERY_MS);
  }

  signedOut(): void {
    this.endings += 1;
  }

  async #ask(): Promise<void> {
    const answer = await fetch("/readyz", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) this.answered();
  }
}

export const connection = new Connection();

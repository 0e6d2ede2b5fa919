// Follows one stream of the API while its tab is visible. Without a stream it asks every 15 seconds, and says so.
import { connection } from "./connection.svelte";
import { EventParser, type StreamEvent } from "./events";
import { session } from "./session.svelte";

/** A hidden tab closes its stream: a browser has six connections for a host. */
const HIDDEN_MS = 30_000;
const POLL_MS = 15_000;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;
/** A stream that says nothing for so long is broken: the server sends a comment more often. */
const SILENT_MS = 45_000;

export type Liveness = "connecting" | "live" | "polling" | "paused";

export class Follower {
  state = $state<Liveness>("connecting");
  #lastId: string | null = null;
  #running: AbortController | null = null;
  #hiding: ReturnType<typeof setTimeout> | null = null;
  #isEnded = false;
  #failures = 0;

  constructor(
    private readonly address: string,
    /** Called with each event; `null` asks to read everything again. */
    private readonly changed: (event: StreamEvent | null) => void,
  ) {
    document.addEventListener("visibilitychange", this.#seen);
    if (document.hidden) this.state = "paused";
    else void this.#run();
  }

  end(): void {
    this.#isEnded = true;
    document.removeEventListener("visibilitychange", this.#seen);
    if (this.#hiding) clearTimeout(this.#hiding);
    this.#running?.abort();
  }

  #seen = (): void => {
    if (document.hidden) {
      this.#hiding ??= setTimeout(() => {
        this.#running?.abort();
        this.state = "paused";
      }, HIDDEN_MS);
      return;
    }
    if (this.#hiding) clearTimeout(this.#hiding);
    this.#hiding = null;
    if (this.state === "paused") void this.#run();
  };

  async #run(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.state = "connecting";
    while (!this.#isEnded && !running.signal.aborted) {
      const retry = await this.#read(running.signal);
      if (running.signal.aborted || this.#isEnded) return;
      this.#failures += 1;
      const isPolling = this.#failures > 2;
      if (isPolling) {
        this.state = "polling";
        this.changed(null);
      }
      const wait = isPolling ? POLL_MS : Math.min(retry ?? RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** Reads until the stream ends; returns the wait that the server asks for. */
  async #read(signal: AbortSignal): Promise<number | null> {
    const parser = new EventParser();
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENT_MS);
    try {
      const token = await session.token();
      const answer = await fetch(this.address, {
        headers: {
          Accept: "text/event-stream",
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
          ...(this.#lastId ? { "Last-Event-ID": this.#lastId } : {}),
        },
        signal: AbortSignal.any([signal, silent.signal]),
      });
      if (!answer.ok || !answer.body) return Number(answer.headers.get("Retry-After")) * 1000 || null;
      connection.answered();
      this.#failures = 0;
      this.state = "live";
      // What changed before the stream was open is read once.
      if (this.#lastId === null) this.changed(null);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT_MS);
        for (const event of parser.push(value)) this.#take(event);
      }
    } catch {
      // Broken off, silent or away: the loop connects again. Streams alone may be blocked on the way.
      if (!signal.aborted && !silent.signal.aborted) void connection.check();
    } finally {
      clearTimeout(timer);
    }
    return parser.retry;
  }

  #take(event: StreamEvent): void {
    if (event.id) this.#lastId = event.id;
    if (event.type === "reset") {
      this.#lastId = null;
      this.changed(null);
    } else this.changed(event);
  }
}

// The room that the reader holds: every page counts down what ends next, and `/holds` lists all of it.
import { untrack } from "svelte";
import { api, take, takeAll } from "../api/client";
import { serverNow } from "../api/clock.svelte";
import { connection } from "../api/connection.svelte";
import { asProblem, type Problem, type Schemas } from "../api/problem";
import { session } from "../api/session.svelte";

export type Hold = Schemas["Hold"];

/** A hold that has less time left than this is over: what the server says of it is older than that. */
const MOMENT_MS = 1000;

class Holds {
  /** Those that keep room, the one that ends next first. */
  open = $state.raw<readonly Hold[]>([]);
  /** Its time ran out on a page that shows something else. */
  ended = $state.raw<Hold | null>(null);
  /** The id of the hold that the page that is shown counts down. */
  onPage = $state<string | null>(null);
  isRead = $state(false);
  problem = $state<Problem | null>(null);
  #turn = 0;
  #isReading = false;
  #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("loadmaster.holds");
  /** Another tab changed something while this one was hidden. */
  #isStale = false;

  /** Whose they are: nobody holds room before there is a token. */
  get #holder(): string | null {
    return session.user?.id ?? (session.isGuest ? "guest" : null);
  }

  /** Reads them whenever somebody else is here, the server is back, or another tab changed them. Called once, by the shell. */
  follow(): void {
    let before: string | null = null;
    $effect(() => {
      const holder = this.#holder;
      void connection.returns;
      if (!session.isKnown) return;
      if (before !== holder) {
        this.open = [];
        this.ended = null;
      }
      before = holder;
      untrack(() => void this.read());
    });
    $effect(() => {
      const read = () => {
        if (document.visibilityState === "visible" && this.#isStale) void this.read();
      };
      const hear = () => {
        this.#isStale = true;
        read();
      };
      this.#channel?.addEventListener("message", hear);
      document.addEventListener("visibilitychange", read);
      return () => {
        this.#channel?.removeEventListener("message", hear);
        document.removeEventListener("visibilitychange", read);
      };
    });
  }

  async read(): Promise<void> {
    const turn = ++this.#turn;
    this.#isStale = false;
    if (this.#holder === null) {
      this.isRead = session.isKnown;
      return;
    }
    this.#isReading = true;
    try {
      const found = await listHolds("ACTIVE");
      if (turn !== this.#turn) return;
      this.#set(found);
      this.problem = null;
      this.isRead = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    }
    if (turn === this.#turn) this.#isReading = false;
  }

  /** Takes what an answer says of a hold. */
  learn(hold: Hold): void {
    if (!isOwn(hold)) return;
    const before = this.open.find((it) => it.id === hold.id);
    const isOpen = hold.status === "ACTIVE";
    if (before ? isOpen && before.version === hold.version : !isOpen) return;
    this.#change([...this.open.filter((it) => it.id !== hold.id), ...(isOpen ? [hold] : [])]);
  }

  /** It has become a booking. */
  forget(id: string): void {
    if (this.open.some((it) => it.id === id)) this.#change(this.open.filter((it) => it.id !== id));
  }

  /** Gives its room back. */
  async release(id: string, header: Record<string, string>): Promise<{ data: Hold; etag: string | null }> {
    const done = await take(api.POST("/api/v1/holds/{id}/release", { params: { path: { id }, header } }));
    this.learn(done.data);
    return done;
  }

  /** The time of a hold is up by the server's clock: the server says what became of it. */
  async end(id: string): Promise<void> {
    const hold = await take(api.GET("/api/v1/holds/{id}", { params: { path: { id } } })).then(
      ({ data }) => data,
      () => null,
    );
    const isActive = hold?.status === "ACTIVE";
    if (isActive && Date.parse(hold.expires_at) - serverNow() > MOMENT_MS) return this.learn(hold);
    this.forget(id);
    if (isActive || hold?.status === "EXPIRED") this.ended = hold;
  }

  #change(open: readonly Hold[]): void {
    this.#set(open);
    this.#channel?.postMessage(null);
    // An answer that is on its way is older.
    if (this.#isReading) void this.read();
  }

  #set(open: readonly Hold[]): void {
    this.open = open.toSorted((one, other) => Date.parse(one.expires_at) - Date.parse(other.expires_at));
    const last = this.open.at(-1);
    session.keepGuest(last ? Date.now() + Date.parse(last.expires_at) - serverNow() : null);
  }
}

/** Whether the reader made it. Colleagues see each other's holds, and carrier staff all; allotments are no hold of anybody. */
const isOwn = (hold: Hold): boolean =>
  hold.kind !== "ALLOTMENT" && (session.user === null || hold.created_by === session.user.id);

/** Returns the reader's own holds in a state. */
export async function listHolds(status: "ACTIVE" | "COMMITTING"): Promise<Hold[]> {
  const own = session.user ? { organization_id: session.user.organization_id } : {};
  const all = await takeAll((cursor) =>
    take(
      api.GET("/api/v1/holds", { params: { query: { status, limit: 100, ...own, ...(cursor ? { cursor } : {}) } } }),
    ),
  );
  return all.filter(isOwn);
}

/** The booking form that goes on with a hold. */
export function holdAddress(hold: Hold): string {
  const query = new URLSearchParams({
    flights: hold.flight_ids.join(","),
    origin: hold.origin,
    destination: hold.destination,
    weight: String(hold.weight_kg),
    volume: String(hold.volume_m3),
  });
  if (hold.pieces) query.set("pieces", String(hold.pieces));
  if (hold.special_handling_codes.length > 0) query.set("handling", hold.special_handling_codes.join(","));
  query.set("hold", hold.id);
  return `/book?${query.toString()}`;
}

/** `AI864, AI131` */
export const flightsOf = (hold: Hold): string => hold.legs.map((leg) => leg.flight_number).join(", ");

export const holds = new Holds();

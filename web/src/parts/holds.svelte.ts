// The room that the reader holds: every page counts down what ends next, and `/holds` lists all of it.
import { untrack } from "svelte";
import { api, take, takeAll, type Answer } from "../api/client";
import { serverNow } from "../api/clock.svelte";
import { connection } from "../api/connection.svelte";
import { asProblem, type Problem, type Schemas } from "../api/problem";
import { session } from "../api/session.svelte";

export type Hold = Schemas["Hold"];

/** A hold that has less time left than this is over: what the server says of it is older than that. */
const MOMENT_MS = 1000;
/** Between two reads of what is being paid: no tab hears of the provider's answer. */
const PAYING_MS = 3000;

class Holds {
  /** Those that keep room, also while they are being paid, the one that ends next first. */
  held = $state.raw<readonly Hold[]>([]);
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

  /** Reads them whenever somebody else is here, the server is back, or another tab changed them. Called once, by the shell. */
  follow(): void {
    let before: string | null = null;
    $effect(() => {
      // Nobody holds room before there is a token.
      const { holder } = session;
      void connection.returns;
      if (!session.isKnown) return;
      if (before !== holder) {
        this.held = [];
        this.ended = null;
      }
      before = holder;
      untrack(() => void this.read());
    });
    // A form that shows its hold follows the payment itself.
    const isPaying = $derived(this.held.some((it) => it.status === "COMMITTING" && it.id !== this.onPage));
    $effect(() => {
      if (!isPaying) return;
      const timer = setInterval(() => document.visibilityState === "visible" && void this.read(), PAYING_MS);
      return () => clearInterval(timer);
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
    if (session.holder === null) {
      this.isRead = session.isKnown;
      return;
    }
    this.#isReading = true;
    try {
      const found = await ownHolds();
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
    const before = this.held.find((it) => it.id === hold.id);
    const isHeld = hold.status === "ACTIVE" || hold.status === "COMMITTING";
    if (before ? isHeld && before.version === hold.version : !isHeld) return;
    // An answer that was overtaken by a newer one.
    if (before && hold.version < before.version) return;
    this.#change([...this.held.filter((it) => it.id !== hold.id), ...(isHeld ? [hold] : [])]);
  }

  /** It has become a booking. */
  forget(id: string): void {
    if (this.held.some((it) => it.id === id)) this.#change(this.held.filter((it) => it.id !== id));
  }

  /** Holds it longer. */
  async extend(id: string, header: Record<string, string>): Promise<Answer<Hold>> {
    const done = await take(api.POST("/api/v1/holds/{id}/extend", { params: { path: { id }, header }, body: {} }));
    this.learn(done.data);
    return done;
  }

  /** Gives its room back. */
  async release(id: string, header: Record<string, string>): Promise<Answer<Hold>> {
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
    if (hold?.status === "COMMITTING") return this.learn(hold);
    if (isActive && Date.parse(hold.expires_at) - serverNow() > MOMENT_MS) return this.learn(hold);
    this.forget(id);
    if (isActive || hold?.status === "EXPIRED") this.ended = hold;
  }

  #change(held: readonly Hold[]): void {
    this.#set(held);
    this.#channel?.postMessage(null);
    // An answer that is on its way is older.
    if (this.#isReading) void this.read();
  }

  #set(held: readonly Hold[]): void {
    this.held = held.toSorted((one, other) => Date.parse(one.expires_at) - Date.parse(other.expires_at));
    const last = this.held.at(-1);
    session.keepGuest(last ? Date.now() + Date.parse(last.expires_at) - serverNow() : null);
  }
}

/** Whether the reader made it. Colleagues see each other's holds, and carrier staff all; allotments are no hold of anybody. */
const isOwn = (hold: Hold): boolean =>
  hold.kind !== "ALLOTMENT" && (session.user === null || hold.created_by === session.user.id);

/** Returns the reader's own holds that keep room. */
export async function ownHolds(): Promise<Hold[]> {
  const open = await listHolds("ACTIVE");
  const paying = await listHolds("COMMITTING");
  // A hold whose payment begins meanwhile is in both lists.
  return [...open.filter((hold) => !paying.some((it) => it.id === hold.id)), ...paying];
}

/** Returns the reader's own holds in a state. */
async function listHolds(status: "ACTIVE" | "COMMITTING"): Promise<Hold[]> {
  const own = session.user ? { organization_id: session.user.organization_id } : {};
  const all = await takeAll((cursor) =>
    take(
      api.GET("/api/v1/holds", { params: { query: { status, limit: 100, ...own, ...(cursor ? { cursor } : {}) } } }),
    ),
  );
  return all.filter(isOwn);
}

/** The booking form that goes on with a hold, or holds the same again: also its product and its price. */
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
  if (hold.product !== "GENERAL") query.set("product", hold.product);
  if (hold.quote) query.set("quote", hold.quote.id);
  query.set("hold", hold.id);
  return `/book?${query.toString()}`;
}

/** `AI864, AI131` */
export const flightsOf = (hold: Hold): string => hold.legs.map((leg) => leg.flight_number).join(", ");

export const holds = new Holds();

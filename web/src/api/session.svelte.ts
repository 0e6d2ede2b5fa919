// Who is signed in. The access token is kept in memory; the refresh token is in a cookie that only the server reads.
import { connection } from "./connection.svelte";
import { forgetGuest, keepGuest, keptGuest, releaseHolds } from "./guest";
import { patiently, pause } from "./patience";
import type { Schemas } from "./problem";

export type User = Schemas["User"];
export type Role = Schemas["Role"];

const RANKS: Record<string, number> = { guest: 0, customer: 1, operator: 2, admin: 3 };
/** Says that there may be a cookie, so that a stranger's first visit asks nothing in vain. No credential. */
const HINT = "loadmaster.signed-in";
/** A token is renewed when it has less than this left. */
const SOON_MS = 30_000;
/** A guest's token cannot be renewed: a hold begins only with one that outlasts it and its payment. */
const LASTING_MS = 3_600_000;
/** A tab whose turn came after another's gives that one's token this time to arrive. */
const SHARED_MS = 50;

/** What became of asking for another token. */
type Renewal = "renewed" | "refused" | "unknown";

interface Tokens {
  access_token: string;
  expires_in: number;
  user?: User;
}

/** What a tab sends to the others of the same browser. They share the session's cookie, and so its tokens. */
type Notice =
  { kind: "out"; sid: string | null } | { kind: "tokens"; access_token: string; expires: number; user: User };

export class Session {
  user = $state<User | null>(null);
  /** Whether the first question, if somebody is signed in, has been answered. */
  isKnown = $state(false);
  /** Whose token a guest has: its subject. */
  #guest = $state<string | null>(null);
  /** The server ended the session, nobody signed out: what is open waits for somebody to sign in again. */
  isOver = $state(false);
  /** Whose session it was. */
  ended: string | null = null;
  /** Grows with each act that was refused because of that. */
  refusals = $state(0);
  #tellKnown: () => void = () => undefined;
  readonly #known = new Promise<void>((resolve) => (this.#tellKnown = resolve));
  #token: string | null = null;
  #expires = 0;
  #refreshing: Promise<Renewal> | null = null;
  #becoming: Promise<void> | null = null;
  /** Gives back what a guest held who signed in. */
  #releasing: Promise<void> = Promise.resolve();
  /** Counts the times that somebody was signed out: what was asked before is not taken after it. */
  #ends = 0;
  /** Sessions that somebody signed out of: their tokens may still be on the way. */
  readonly #out = new Set<string>();
  #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("loadmaster.session");

  constructor() {
    this.#channel?.addEventListener("message", (event: MessageEvent<Notice>) => {
      const notice = event.data;
      if (notice.kind === "out") this.#leave(notice.sid);
      if (notice.kind === "tokens" && !this.#isOut(notice.access_token))
        this.#take(notice.access_token, notice.expires, notice.user);
    });
  }

  /** The id of who is here, also while their session is over and waits for them; nothing of a guest. */
  get person(): string | null {
    return this.user?.id ?? (this.isOver && !this.isGuest ? this.ended : null);
  }

  get isGuest(): boolean {
    return this.#guest !== null;
  }

  /** The id of the user or guest whose token is in use. */
  get holder(): string | null {
    return this.user?.id ?? this.#guest;
  }

  /** Hears no more of other tabs. */
  close(): void {
    this.#channel?.close();
  }

  may(role: "customer" | "operator" | "admin"): boolean {
    return (RANKS[this.user?.role ?? "guest"] ?? 0) >= (RANKS[role] ?? 9);
  }

  /** Returns a token that is still good, renewing it if it must. Waits until it is known who is signed in. */
  async token(): Promise<string | null> {
    await this.#known;
    if (this.#token && !this.#isFresh()) await (this.isGuest ? this.#beGuest() : this.refresh());
    return this.#token;
  }

  /** Asks whether the cookie of an earlier visit is still good; a server that is away is asked again when it is back. */
  async begin(): Promise<void> {
    while (remembered() && (await this.#renewed()) === "unknown") await connection.back();
    if (!this.#token) this.#resumeGuest();
    this.isKnown = true;
    this.#tellKnown();
  }

  /** Renews the token; tabs do so one at a time, and one does it for all. */
  async refresh(): Promise<boolean> {
    return (await this.#renewed()) === "renewed";
  }

  #renewed(): Promise<Renewal> {
    this.#refreshing ??= this.#oneAtATime().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  #oneAtATime(): Promise<Renewal> {
    const [known, asked] = [this.#token, performance.now()];
    const renew = async (): Promise<Renewal> => {
      // It waited for its turn: the tab before it has sent what it got, or is about to.
      if (performance.now() - asked > 5 && this.#token === known) await pause(SHARED_MS);
      if (this.#token !== known && this.#isFresh()) return "renewed";
      const ends = this.#ends;
      const answer = await patiently(() => this.#post("refresh", {}));
      if (this.#ends !== ends) return "refused";
      if (answer?.ok) {
        const tokens = (await answer.json()) as Tokens;
        if (this.#ends !== ends || this.#isOut(tokens.access_token)) return "refused";
        await this.#accept(tokens);
        return this.#ends === ends ? "renewed" : "refused";
      }
      // Only a refusal ends the session; a server that is away, or too busy, does not.
      if (answer === null || ![400, 401, 403].includes(answer.status)) return "unknown";
      if (this.user) {
        this.isOver = true;
        this.ended = this.user.id;
      }
      this.#forget();
      return "refused";
    };
    if (!navigator.locks) return renew();
    return navigator.locks.request("loadmaster.refresh", renew) as Promise<unknown> as Promise<Renewal>;
  }

  async signIn(email: string, password: string): Promise<Response | null> {
    return this.#enter("login", { email, password });
  }

  async register(email: string, password: string, name: string): Promise<Response | null> {
    return this.#enter("register", { email, password, ...(name ? { name } : {}) });
  }

  /** Returns whether it is done: a server that is away would keep the session. */
  async signOut(): Promise<boolean> {
    const sid = sidOf(this.#token);
    const answer = await patiently(() => this.#post("logout", {}));
    if (!answer || answer.status >= 429) return false;
    this.#leave(sid);
    this.#notify({ kind: "out", sid });
    return true;
  }

  /** Somebody signed out, here or in another tab: nothing waits for them, and late tokens of theirs are not taken. */
  #leave(sid: string | null): void {
    if (sid) this.#out.add(sid);
    this.isOver = false;
    this.#forget();
  }

  #isOut(token: string): boolean {
    const sid = sidOf(token);
    return sid !== null && this.#out.has(sid);
  }

  /** Whoever has no account may hold room and book as a guest. What a user held as a guest is given back before. */
  async asGuest(): Promise<void> {
    await this.#known;
    await this.#releasing;
    if (!this.#token) await this.#beGuest();
  }

  /** Takes another token if the guest's ends soon and nothing is held: what is held is of the token's subject. */
  async outlastHold(holdsNothing: () => Promise<boolean>): Promise<void> {
    const endsSoon = this.isGuest && this.#expires - Date.now() < LASTING_MS;
    if (endsSoon && (await holdsNothing())) await this.#beGuest(true);
  }

  /** Whether this browser was left by a guest whose token is still good. */
  #resumeGuest(): boolean {
    const guest = keptGuest();
    if (!guest || Date.now() > guest.expires - SOON_MS) return false;
    this.#takeGuest(guest.token, guest.expires);
    return true;
  }

  #takeGuest(token: string, expires: number): void {
    this.#token = token;
    this.#expires = expires;
    this.#guest = claimOf(token, "sub") ?? token;
  }

  /** A guest who holds room until then comes back to it after the tab was closed; nobody else finds anything. */
  keepGuest(until: number | null): void {
    if (this.isGuest && this.#token) keepGuest({ token: this.#token, expires: this.#expires }, until);
  }

  /** Begins anew as another guest, if this header is of the token that is in use: the server refused it. */
  async renewGuest(refused: string | null): Promise<boolean> {
    if (refused === `Bearer ${this.#token ?? ""}`) this.#forget();
    if (!this.#token) await this.#beGuest();
    return this.#token !== null;
  }

  /** Requests that need a guest at once share one. */
  #beGuest(isAnother = false): Promise<void> {
    this.#becoming ??= this.#becomeGuest(isAnother).finally(() => (this.#becoming = null));
    return this.#becoming;
  }

  async #becomeGuest(isAnother: boolean): Promise<void> {
    if (!isAnother && this.#resumeGuest()) return;
    const ask = () => fetch("/api/v1/auth/guest", { method: "POST" }).catch(() => null);
    // A token that is still good is no reason to wait for another.
    const answer = isAnother ? await ask() : await patiently(ask);
    if (!answer?.ok) return;
    const { access_token, expires_in } = (await answer.json()) as Tokens;
    // Somebody signed in meanwhile, in another tab.
    if (this.user) return;
    this.#takeGuest(access_token, Date.now() + expires_in * 1000);
    this.keepGuest(null);
  }

  async #enter(path: "login" | "register", body: object): Promise<Response | null> {
    const answer = await this.#post(path, body);
    if (answer?.ok) await this.#accept((await answer.clone().json()) as Tokens);
    return answer;
  }

  #post(path: string, body: object): Promise<Response | null> {
    return fetch(`/api/v1/auth/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, session: "cookie" }),
    }).catch(() => null);
  }

  async #accept(tokens: Tokens): Promise<void> {
    const expires = Date.now() + tokens.expires_in * 1000;
    this.#take(tokens.access_token, expires, tokens.user ?? this.user);
    const ends = this.#ends;
    if (!this.user) await this.reload();
    if (this.user && this.#ends === ends)
      this.#notify({
        kind: "tokens",
        access_token: tokens.access_token,
        expires,
        user: $state.snapshot(this.user) as User,
      });
  }

  #take(token: string, expires: number, user: User | null): void {
    if (this.isGuest && this.#token) this.#releasing = releaseHolds(this.#token);
    this.#token = token;
    this.#expires = expires;
    this.user = user;
    this.#guest = null;
    this.isOver = false;
    forgetGuest();
    remember(true);
  }

  #notify(notice: Notice): void {
    this.#channel?.postMessage(notice);
  }

  #isFresh(): boolean {
    return this.#token !== null && Date.now() <= this.#expires - SOON_MS;
  }

  /** Reads the user again, after a change. */
  async reload(): Promise<void> {
    const ends = this.#ends;
    const answer = await fetch("/api/v1/auth/me", { headers: { Authorization: `Bearer ${this.#token ?? ""}` } }).catch(
      () => null,
    );
    if (!answer?.ok) return;
    const user = (await answer.json()) as User;
    if (this.#ends === ends && (this.user === null || this.user.id === user.id)) this.user = user;
  }

  #forget(): void {
    this.#ends += 1;
    this.#token = null;
    this.#expires = 0;
    this.user = null;
    this.#guest = null;
    forgetGuest();
    remember(false);
  }
}

/** The session that a token is of. */
const sidOf = (token: string | null): string | null => claimOf(token, "sid");

/** Returns a claim of a token. */
function claimOf(token: string | null, name: "sid" | "sub"): string | null {
  try {
    const claims = (token?.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claim = (JSON.parse(atob(claims)) as Record<string, unknown>)[name];
    return typeof claim === "string" ? claim : null;
  } catch {
    return null;
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return true;
  }
}

function remember(isSignedIn: boolean): void {
  try {
    if (isSignedIn) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // Storage may be switched off: the session lasts as long as its tab, or as its cookie.
  }
}

export const session = new Session();

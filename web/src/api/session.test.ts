import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connection } from "./connection.svelte";
import { Session } from "./session.svelte";

const USER = { id: "u", email: "ann@example.com", role: "customer" };

/** Turns, as the browser gives them: one tab after the other. */
function locks() {
  let last = Promise.resolve();
  return {
    request: (_: string, work: () => Promise<unknown>) => {
      const done = last.then(work);
      last = done.then(
        () => undefined,
        () => undefined,
      );
      return done;
    },
  };
}

/** The server's answers to refreshes, in order; then tokens. */
function server(...answers: Response[]) {
  const asked: string[] = [];
  const fetched = vi.fn((path: string) => {
    asked.push(path);
    const tokens = { access_token: `token ${asked.length}`, expires_in: 900, user: USER };
    return Promise.resolve(answers.shift() ?? Response.json(tokens));
  });
  vi.stubGlobal("fetch", fetched);
  return asked;
}

beforeEach(() => {
  const stored = new Map([["loadmaster.signed-in", "1"]]);
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
  });
  vi.stubGlobal("navigator", { locks: locks() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("twelve tabs that are loaded at once refresh the session once", async () => {
  const slow = (path: string) =>
    new Promise<Response>((resolve) => {
      const tokens = { access_token: `token for ${path}`, expires_in: 900, user: USER };
      setTimeout(() => resolve(Response.json(tokens)), 20);
    });
  const fetched = vi.fn(slow);
  vi.stubGlobal("fetch", fetched);
  const tabs = Array.from({ length: 12 }, () => new Session());
  await Promise.all(tabs.map((tab) => tab.begin()));
  expect(fetched).toHaveBeenCalledTimes(1);
  for (const tab of tabs) {
    expect(tab.user).toMatchObject({ id: "u" });
    expect(await tab.token()).toBe("token for /api/v1/auth/refresh");
  }
  tabs.forEach((tab) => tab.close());
});

test("a limit is waited for as the server says; it is not taken for a server that is away", async () => {
  vi.useFakeTimers();
  const limited = new Response("{}", { status: 429, headers: { "Retry-After": "7" } });
  const asked = server(limited);
  const tab = new Session();
  const beginning = tab.begin();
  await vi.advanceTimersByTimeAsync(6_900);
  expect(asked).toHaveLength(1);
  expect([connection.waiting, connection.isAway]).toEqual([1, false]);
  await vi.advanceTimersByTimeAsync(200);
  await beginning;
  expect([connection.waiting, connection.isAway]).toEqual([0, false]);
  expect([asked.length, tab.user?.id]).toEqual([2, "u"]);
  tab.close();
});

test("signing out in one tab signs out the others, and a refusal ends the session", async () => {
  server();
  const [one, other] = [new Session(), new Session()];
  await one.begin();
  await vi.waitFor(() => expect(other.user).not.toBeNull());
  await one.signOut();
  await vi.waitFor(() => expect(other.user).toBeNull());
  server(new Response("{}", { status: 401 }));
  expect(await one.refresh()).toBe(false);
  expect(one.isKnown).toBe(true);
  [one, other].forEach((tab) => tab.close());
});

test("a token that comes after signing out is not taken, and other tabs do not hear of it", async () => {
  server();
  const [one, other] = [new Session(), new Session()];
  await one.begin();
  let answer: (it: Response) => void = () => undefined;
  vi.stubGlobal("fetch", (path: string) =>
    path.endsWith("/refresh") ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(new Response("{}")),
  );
  const refreshing = one.refresh();
  await vi.waitFor(() => expect(other.user).not.toBeNull());
  await other.signOut();
  await vi.waitFor(() => expect(one.user).toBeNull());
  answer(Response.json({ access_token: "late", expires_in: 900, user: USER }));
  expect(await refreshing).toBe(false);
  expect([one.user, other.user]).toEqual([null, null]);
  [one, other].forEach((tab) => tab.close());
});

/** A token as the server writes them, of a session. */
const tokenOf = (sid: string, more = "") => `head.${btoa(JSON.stringify({ sid })).replace(/=+$/, "")}.${more}`;

test("a token whose body is read after signing out is not taken", async () => {
  server();
  const [one, other] = [new Session(), new Session()];
  await one.begin();
  await vi.waitFor(() => expect(other.user).not.toBeNull());
  let read: (it: unknown) => void = () => undefined;
  const body = new Promise((resolve) => (read = resolve));
  vi.stubGlobal("fetch", (path: string) =>
    Promise.resolve(path.endsWith("/refresh") ? { ok: true, status: 200, json: () => body } : new Response("{}")),
  );
  const refreshing = one.refresh();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await other.signOut();
  await vi.waitFor(() => expect(one.user).toBeNull());
  read({ access_token: "late", expires_in: 900, user: USER });
  expect(await refreshing).toBe(false);
  expect([one.user, other.user, one.person]).toEqual([null, null, null]);
  [one, other].forEach((tab) => tab.close());
});

test("tokens that other tabs send of a session that was signed out are ignored; those of the next one are not", async () => {
  server(Response.json({ access_token: tokenOf("first"), expires_in: 900, user: USER }), new Response("{}"));
  const tab = new Session();
  await tab.begin();
  expect(tab.person).toBe("u");
  await tab.signOut();
  const channel = new BroadcastChannel("loadmaster.session");
  const notify = (access_token: string, user: object) =>
    channel.postMessage({ kind: "tokens", access_token, expires: Date.now() + 900_000, user });
  notify(tokenOf("first", "late"), USER);
  notify(tokenOf("second"), { ...USER, id: "v" });
  const seen: unknown[] = [];
  await vi.waitFor(() => {
    seen.push(tab.person);
    expect(tab.person).toBe("v");
  });
  expect(seen).not.toContain("u");
  channel.close();
  tab.close();
});

test("a session that is over is still its user's, until they sign out elsewhere", async () => {
  server(
    Response.json({ access_token: tokenOf("one"), expires_in: 900, user: USER }),
    new Response("{}", { status: 401 }),
  );
  const tab = new Session();
  await tab.begin();
  await tab.refresh();
  expect([tab.user, tab.isOver, tab.person]).toEqual([null, true, "u"]);
  const channel = new BroadcastChannel("loadmaster.session");
  channel.postMessage({ kind: "out", sid: "one" });
  await vi.waitFor(() => expect(tab.person).toBeNull());
  channel.close();
  tab.close();
});

/** Storage of a tab, or of all. */
function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  };
}

test("a guest is the same one after a reload, and after closing the tab while holding room", async () => {
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  server();
  const tab = new Session();
  await tab.begin();
  expect(tab.isGuest).toBe(false);
  await tab.asGuest();
  const token = await tab.token();
  const reloaded = new Session();
  await reloaded.begin();
  expect([reloaded.isGuest, await reloaded.token()]).toEqual([true, token]);
  reloaded.keepGuest(Date.now() + 60_000);
  vi.stubGlobal("sessionStorage", storage());
  const reopened = new Session();
  await reopened.begin();
  expect([reopened.isGuest, await reopened.token()]).toEqual([true, token]);
  // Nothing is held any more, by the clock or because it was given back.
  for (const until of [Date.now() - 1, null]) {
    reopened.keepGuest(until);
    vi.stubGlobal("sessionStorage", storage());
    const stranger = new Session();
    await stranger.begin();
    expect([stranger.isGuest, await stranger.token()]).toEqual([false, null]);
    stranger.close();
  }
  [tab, reloaded, reopened].forEach((it) => it.close());
});

test("a guest whose token is refused is another guest, once for all requests, and nothing is kept of who signs in", async () => {
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  const asked = server();
  const tab = new Session();
  await tab.begin();
  await tab.asGuest();
  const first = `Bearer ${await tab.token()}`;
  expect(await Promise.all([tab.renewGuest(first), tab.renewGuest(first)])).toEqual([true, true]);
  expect(await tab.renewGuest(first)).toBe(true);
  expect(asked).toEqual(["/api/v1/auth/guest", "/api/v1/auth/guest"]);
  tab.keepGuest(Date.now() + 60_000);
  await tab.signIn("ann@example.com", "a phrase for tests 17");
  expect([localStorage.getItem("loadmaster.guest"), sessionStorage.getItem("loadmaster.guest")]).toEqual([null, null]);
  tab.close();
});

/** A server whose guests have the subjects `guest 1`, `guest 2`, …, and hold `h1` and `h2`; it remembers what was asked, and by whom. */
function guests(expires_in: number) {
  const asked: string[] = [];
  let made = 0;
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("fetch", (path: string, init: { headers?: Record<string, string> } = {}) => {
    asked.push(`${path} ${init.headers?.["Authorization"] ?? ""}`.trim());
    if (path.startsWith("/api/v1/holds?")) return Promise.resolve(Response.json([{ id: "h1" }, { id: "h2" }]));
    if (path.endsWith("/guest")) {
      const token = `head.${btoa(JSON.stringify({ sub: `guest ${++made}` }))}.`;
      return Promise.resolve(Response.json({ access_token: token, expires_in }));
    }
    return Promise.resolve(Response.json({ access_token: "of ann", expires_in: 900, user: USER }));
  });
  return asked;
}

test("what a guest holds is given back with its token when it signs in, before anything else is held", async () => {
  const asked = guests(7200);
  const tab = new Session();
  await tab.begin();
  await tab.asGuest();
  const token = await tab.token();
  asked.length = 0;
  await tab.signIn("ann@example.com", "a phrase for tests 17");
  await tab.asGuest();
  expect(asked).toEqual([
    "/api/v1/auth/login",
    `/api/v1/holds?status=ACTIVE&limit=100 Bearer ${token}`,
    `/api/v1/holds/h1/release Bearer ${token}`,
    `/api/v1/holds/h2/release Bearer ${token}`,
  ]);
  expect([tab.holder, tab.isGuest]).toEqual(["u", false]);
  tab.close();
});

const nothing = () => Promise.resolve(true);

test("a guest whose token ends within the hour is another one before it holds anything", async () => {
  guests(3599);
  const tab = new Session();
  await tab.begin();
  await tab.asGuest();
  await tab.outlastHold(() => Promise.resolve(false));
  expect(tab.holder).toBe("guest 1");
  await tab.outlastHold(nothing);
  expect(tab.holder).toBe("guest 2");
  const reloaded = new Session();
  await reloaded.begin();
  expect(reloaded.holder).toBe("guest 2");
  guests(7200);
  const lasting = new Session();
  await lasting.begin();
  await lasting.asGuest();
  await lasting.outlastHold(nothing);
  expect(lasting.holder).toBe("guest 1");
  [tab, reloaded, lasting].forEach((it) => it.close());
});

test("a guest keeps its token if no other can be had", async () => {
  guests(600);
  const tab = new Session();
  await tab.begin();
  await tab.asGuest();
  const token = await tab.token();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed")));
  await tab.outlastHold(nothing);
  expect([tab.holder, await tab.token()]).toEqual(["guest 1", token]);
  tab.close();
});

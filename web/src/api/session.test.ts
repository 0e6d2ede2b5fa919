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

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "../../api/client";
import { offline } from "../../api/problem";
import { session } from "../../api/session.svelte";
import type { Hold } from "../../parts/holds.svelte";
import { againFor, keepAgain, type Again } from "../../parts/again";
import { announcer } from "../../parts/announce.svelte";
import { keepTyped } from "../../parts/typed";
import { Draft } from "./draft.svelte";
import { keepMade, madeBy } from "./made";

vi.mock("../../api/client", async (original) => ({
  ...(await original<typeof import("../../api/client")>()),
  api: { GET: vi.fn(), POST: vi.fn() },
}));
type Mock = ReturnType<typeof vi.fn>;
const [get, post] = [api.GET, api.POST] as unknown as [Mock, Mock];

const answer = (data: object, status = 200) => ({
  ...(status < 400 ? { data } : { error: data }),
  response: new Response(null, { status }),
});
const refusal = (status: number, code: string) => answer({ status, code, title: code, detail: code }, status);
let version = 0;
const held = (status: string, more: object = {}): Hold =>
  ({
    ...{ id: "h", kind: "HOLD", status, booking_ref: null, pieces: 2, version: ++version },
    ...{ expires_at: new Date(Date.now() + 600_000).toISOString(), ...more },
  }) as unknown as Hold;
const committed = () => held("COMMITTED", { booking_ref: "LM1" });

/** The answers of the server to reads of the hold, in order; the last one stands. A booking has its reference alone. */
function reads(...holds: (Hold | Error)[]): void {
  get.mockImplementation((path: string) => {
    if (path.includes("/bookings/")) return Promise.resolve(answer({ ref_id: "LM1" }));
    const next = holds.length > 1 ? holds.shift() : holds[0];
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(answer(next as object));
  });
}

const onheld = vi.fn();
function drafted(status = "ACTIVE"): Draft {
  const draft = new Draft({ flight_ids: ["f"], weight_kg: 100 }, "", onheld);
  draft.keep(held(status), '"1"');
  draft.step = "review";
  return draft;
}

beforeEach(() => {
  vi.useFakeTimers();
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.clearAllMocks();
});

test("a hold that was booked elsewhere is shown as booked when its time is up", async () => {
  reads(committed());
  const draft = drafted();
  await draft.settle();
  expect([draft.step, draft.booked?.ref_id]).toEqual(["done", "LM1"]);
});

test.each(["EXPIRED", "RELEASED"])("a hold that is %s is over", async (status) => {
  reads(held(status));
  const draft = drafted();
  await draft.settle();
  expect(draft.step).toBe("over");
});

test("a read without an answer is repeated, and the hold is not said to be over", async () => {
  reads(offline("away"), offline("away"), committed());
  const draft = drafted();
  const settled = draft.settle();
  await vi.advanceTimersByTimeAsync(500);
  expect(draft.step).toBe("review");
  await vi.advanceTimersByTimeAsync(2000);
  await settled;
  expect(draft.step).toBe("done");
});

test("a booked hold whose booking is not named yet is read again", async () => {
  reads(held("COMMITTED"), committed());
  const draft = drafted();
  const settled = draft.settle();
  await vi.advanceTimersByTimeAsync(500);
  expect(draft.step).toBe("review");
  await vi.advanceTimersByTimeAsync(1000);
  await settled;
  expect(draft.step).toBe("done");
});

test("a read that is refused is a problem", async () => {
  get.mockResolvedValue(refusal(404, "hold_not_found"));
  const draft = drafted();
  await draft.settle();
  expect([draft.step, draft.problem?.code]).toEqual(["review", "hold_not_found"]);
});

test("a payment that is begun elsewhere is followed to its end", async () => {
  reads(held("COMMITTING"), held("COMMITTING"), held("ACTIVE"));
  const draft = drafted();
  const settled = draft.settle();
  await vi.advanceTimersByTimeAsync(10);
  expect([draft.step, draft.isPaying, draft.isUndecided]).toEqual(["review", true, true]);
  await vi.advanceTimersByTimeAsync(2000);
  await settled;
  expect([draft.step, draft.isPaying, draft.declined]).toEqual(["review", false, true]);
});

test("a payment whose hold ends is over", async () => {
  reads(held("COMMITTING"), held("EXPIRED"));
  const draft = drafted();
  const settled = draft.settle();
  await vi.advanceTimersByTimeAsync(1500);
  await settled;
  expect([draft.step, draft.isPaying]).toEqual(["over", false]);
});

test("nothing is asked while the first request of a commit waits", async () => {
  reads(held("EXPIRED"));
  let finish: (it: object) => void = () => undefined;
  post.mockReturnValue(new Promise((resolve) => (finish = resolve)));
  const draft = drafted();
  const commit = draft.commit({}, { "Idempotency-Key": "k" });
  expect(draft.isUndecided).toBe(true);
  await draft.settle();
  expect([get.mock.calls.length, draft.step]).toEqual([0, "review"]);
  finish(answer({ ref_id: "LM1" }));
  await commit;
  expect([draft.step, draft.isUndecided]).toEqual(["done", false]);
});

test("a commit that is refused does not end the payment that is followed", async () => {
  post.mockResolvedValue(refusal(409, "payment_in_progress"));
  const draft = drafted("COMMITTING");
  await expect(draft.commit({}, { "Idempotency-Key": "k" })).rejects.toThrow("payment_in_progress");
  expect(draft.isPaying).toBe(true);
});

const made = (hold: string) => ({
  hold,
  etag: null,
  person: null,
  mark: null,
  wanted: { flight_ids: ["f"], weight_kg: 100 },
});

test("a form that was left goes on with its payment, changes no other form, and says that it is booked", async () => {
  const draft = drafted();
  const answers = [answer(held("COMMITTING"), 202), answer({ ref_id: "LM1" })];
  post.mockImplementation(() => Promise.resolve(answers.shift()));
  const commit = draft.commit({}, { "Idempotency-Key": "k" });
  onheld.mockClear();
  draft.left();
  await vi.advanceTimersByTimeAsync(2000);
  await commit;
  expect(onheld).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(5000);
  expect(announcer.text).toContain("LM1");
});

test("a commit that is refused takes no place of a hold that was made meanwhile", async () => {
  keepMade(made("h"));
  const draft = drafted();
  let refuse: (it: object) => void = () => undefined;
  post.mockReturnValue(new Promise((resolve) => (refuse = resolve)));
  const commit = draft.commit({}, { "Idempotency-Key": "k" });
  draft.left();
  keepMade(made("newer"));
  refuse(refusal(402, "payment_declined"));
  await expect(commit).rejects.toThrow("payment_declined");
  expect(madeBy(null)?.hold).toBe("newer");
});

test("a hold whose payment is declined is made by this tab in its new version, before that is said", async () => {
  const draft = drafted();
  keepMade(made("h"));
  post.mockResolvedValue(refusal(402, "payment_declined"));
  get.mockResolvedValue({
    data: held("ACTIVE"),
    response: new Response(null, { status: 200, headers: { etag: '"2"' } }),
  });
  await expect(draft.commit({}, { "Idempotency-Key": "k" })).rejects.toThrow("payment_declined");
  expect(madeBy(null)?.etag).toBe('"2"');
});

test("a guest has the claim to its booking after a reload", async () => {
  const claim = { token: "secret", expires_at: null };
  post.mockResolvedValue(answer({ ref_id: "LM1", claim }));
  await drafted().commit({}, { "Idempotency-Key": "k" });
  reads(committed());
  const reloaded = drafted();
  await reloaded.settle();
  expect(reloaded.booked?.claim).toEqual(claim);
});

const again: Again = {
  ...{ person: "ann", origin: "DEL", destination: "LHR", description: "Shoes", product: "ROSES" },
  ...{ shipper: { name: "Sole", city: "Delhi", account_number: "17" }, consignee: null },
  contact: { name: "Bo", email: "bo@forwarder.example", phone: "" },
};
function signedIn(): void {
  vi.spyOn(session, "asGuest").mockResolvedValue();
  vi.spyOn(session, "outlastHold").mockResolvedValue();
  vi.spyOn(session, "person", "get").mockReturnValue("ann");
}
const ofAnn = () => againFor("ann", new URLSearchParams("origin=DEL&destination=LHR&again=1"));

test("a form begins with what the earlier booking has, and holds room for its product", async () => {
  signedIn();
  keepAgain(again);
  post.mockImplementation(() => Promise.resolve(answer(held("ACTIVE"), 201)));
  const draft = new Draft({ flight_ids: ["f"], weight_kg: 100 }, "2", onheld, ofAnn);
  draft.consignee.name = "Typed";
  await draft.begin(null);
  expect(draft.problem).toBeNull();
  expect(post.mock.lastCall?.[1].body).toEqual({ flight_ids: ["f"], weight_kg: 100, product: "ROSES" });
  expect(draft.changes).toMatchObject({
    ...{ pieces: 2, description: "Shoes", awb_number: null, customer_reference: null },
    shipper: { name: "Sole", city: "Delhi", street: null },
    consignee: { name: "Typed" },
    contact: { name: "Bo", email: "bo@forwarder.example", phone: null },
  });
  expect(draft.changes.shipper).not.toHaveProperty("account_number");
  // What is cleared stays empty when room is held again.
  draft.keep(held("EXPIRED"), null);
  draft.description = "";
  await draft.again();
  expect(draft.description).toBe("");
  // Booked, it is not entered into another form.
  post.mockResolvedValue(answer({ ref_id: "LM1" }));
  await draft.commit({}, { "Idempotency-Key": "k" });
  expect(ofAnn()).toBeNull();
  vi.restoreAllMocks();
});

test("what was typed for the hold of the same option stays as it is typed, also where it was cleared", async () => {
  signedIn();
  keepAgain(again);
  const wanted = { flight_ids: ["f"], weight_kg: 100 };
  keepMade({
    hold: "h",
    etag: null,
    person: "ann",
    mark: null,
    wanted: { product: "ROSES", ...wanted } as typeof wanted,
  });
  const contact = { name: "", email: "", phone: "" };
  keepTyped("h", "ann", { pieces: "2", description: "", awb: "", reference: "PO 18", contact });
  reads(held("ACTIVE"));
  const draft = new Draft(wanted, "", onheld, ofAnn);
  await draft.begin(null);
  expect(post).not.toHaveBeenCalled();
  expect([draft.step, draft.reference, draft.description, draft.contact.email]).toEqual(["shipment", "PO 18", "", ""]);
  vi.restoreAllMocks();
});

test("new dimensions bring the pieces along, unless others are typed", () => {
  const draft = drafted();
  const lines = [{ pieces: 4, length_cm: 120, width_cm: 80, height_cm: 100 }];
  expect(draft.changes).toMatchObject({ pieces: 2 });
  expect(draft.changes).not.toHaveProperty("dimensions");
  draft.sizes = "4x120x80x100";
  expect(draft.changes).toMatchObject({ pieces: null, dimensions: lines });
  draft.pieces = "5";
  expect(draft.changes).toMatchObject({ pieces: 5, dimensions: lines });
  draft.keep(held("ACTIVE", { pieces: 4, dimensions: lines }), '"2"');
  expect([draft.pieces, draft.sizes]).toEqual(["4", "4x120x80x100"]);
  expect(draft.changes).not.toHaveProperty("dimensions");
  draft.sizes = "";
  expect(draft.changes).toMatchObject({ pieces: 4, dimensions: null });
});

test("what staff accepts although it passes through no door is asked for again, at each step", async () => {
  signedIn();
  post.mockImplementation(() => Promise.resolve(refusal(409, "piece_too_large")));
  const dimensions = [{ pieces: 1, length_cm: 100, width_cm: 80, height_cm: 150 }];
  const draft = new Draft({ flight_ids: ["f"], weight_kg: 100, dimensions }, "", onheld);
  await draft.begin(null);
  expect(draft.problem?.code).toBe("piece_too_large");
  const firstKey = post.mock.lastCall?.[1].params.header["Idempotency-Key"] as string;
  draft.acceptsOversize = true;
  draft.renewKey();
  post.mockImplementation(() => Promise.resolve(answer(held("ACTIVE", { dimensions }), 201)));
  await draft.begin(null);
  expect(post.mock.lastCall?.[1].body).toMatchObject({ dimensions, accept_oversize: true });
  expect(post.mock.lastCall?.[1].params.header["Idempotency-Key"]).not.toBe(firstKey);
  draft.sizes = "1x100x80x160";
  expect(draft.changes).toMatchObject({ accept_oversize: true });
  post.mockImplementation(() => Promise.resolve(answer({ ref_id: "LM1" }, 201)));
  await draft.commit({}, { "Idempotency-Key": "k" });
  expect(post.mock.lastCall?.[1].body).toEqual({ accept_oversize: true });
  vi.restoreAllMocks();
});

test("the product of a quote stays that of the quote", async () => {
  signedIn();
  keepAgain(again);
  post.mockImplementation(() => Promise.resolve(answer(held("ACTIVE"), 201)));
  const draft = new Draft({ flight_ids: ["f"], weight_kg: 100, quote_id: "q" }, "", onheld, ofAnn);
  await draft.begin(null);
  expect(post.mock.lastCall?.[1].body).not.toHaveProperty("product");
  vi.restoreAllMocks();
});

const usd = (amount: string) => ({ id: `q${amount}`, total: { amount, currency: "USD" } });
/** The bodies that holds were asked for with. */
const bodies = () => post.mock.calls.map(([, { body }]) => body as Record<string, unknown>);

/** A form whose hold of a product ended, at a quote. */
function ended(): Draft {
  vi.stubGlobal("window", { history: {}, location: {}, scrollTo: () => undefined });
  vi.spyOn(session, "asGuest").mockResolvedValue();
  vi.spyOn(session, "outlastHold").mockResolvedValue();
  const draft = new Draft({ flight_ids: ["f"], weight_kg: 100 }, "", onheld);
  draft.left();
  draft.keep(held("EXPIRED", { quote: usd("10.00"), product: "ROSES" }), '"1"');
  draft.description = "Roses";
  return draft;
}

test("room is held again for the same product at the same quote, and nothing is said of an equal price", async () => {
  const draft = ended();
  post.mockResolvedValue(answer(held("ACTIVE", { quote: usd("10.00"), product: "ROSES" }), 201));
  await draft.again();
  expect(bodies()).toEqual([{ flight_ids: ["f"], weight_kg: 100, quote_id: "q10.00", product: "ROSES" }]);
  expect([draft.step, draft.otherPrice, draft.isPriceGone]).toEqual(["shipment", null, false]);
});

test("a quote that expired leaves what was entered, and the room is held at the price of today, which is said", async () => {
  const draft = ended();
  post.mockResolvedValueOnce(refusal(409, "quote_expired"));
  await draft.again();
  expect([draft.isPriceGone, draft.description]).toEqual([true, "Roses"]);
  post.mockResolvedValueOnce(answer(held("ACTIVE", { quote: usd("12.00"), product: "ROSES" }), 201));
  await draft.atTodaysPrice();
  expect(bodies()[1]).toEqual({ flight_ids: ["f"], weight_kg: 100, product: "ROSES" });
  const keys = post.mock.calls.map(([, { params }]) => (params.header as Record<string, string>)["Idempotency-Key"]);
  expect(keys[0]).not.toBe(keys[1]);
  expect([draft.step, draft.description, draft.isPriceGone]).toEqual(["shipment", "Roses", false]);
  expect(draft.otherPrice).toEqual({ before: usd("10.00").total, now: usd("12.00").total });
});

test("another refusal than of the quote offers no other price", async () => {
  const draft = ended();
  post.mockResolvedValueOnce(refusal(409, "capacity_exceeded"));
  await draft.again();
  expect([draft.problem?.code, draft.isPriceGone]).toEqual(["capacity_exceeded", false]);
});

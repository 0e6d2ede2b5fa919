import { expect, it, vi } from "vitest";
import { langOf, offline, ofServer, Problem, textOf, type ProblemBody } from "../api/problem";
import { Form } from "./form.svelte";

vi.stubGlobal("document", { querySelector: () => null });

it("sends again with the same key what got no answer, when the server is back", async () => {
  const form = new Form();
  const keys: string[] = [];
  const sent = form.send(async (header) => {
    keys.push(header["Idempotency-Key"]);
    if (keys.length === 1) throw offline("away");
    return "done";
  });
  await vi.waitFor(() => expect(form.isBusy).toBe(false));
  expect(form.problem?.isOffline).toBe(true);
  form.problem?.again?.send();
  expect(await sent).toBe("done");
  expect(keys[0]).toBe(keys[1]);
  expect(form.problem).toBeNull();
});

it("gives up what waits when something else is sent", async () => {
  const form = new Form();
  const first = form.send((_header) => Promise.reject(offline("away")));
  await vi.waitFor(() => expect(form.isBusy).toBe(false));
  const again = form.problem?.again;
  const second = form.send(async (_header) => "second");
  expect(await first).toBeNull();
  again?.send();
  expect(await second).toBe("second");
});

it("does not repeat what has no key, and does not say so", async () => {
  const form = new Form();
  expect(await form.send(() => Promise.reject(offline("tries again")))).toBeNull();
  expect(form.problem?.again).toBeNull();
  expect(form.problem?.body.detail).toContain("send them again");
});

it("repeats nothing that was refused", async () => {
  const form = new Form();
  const refused = new Problem({ status: 409, code: "capacity_exceeded", title: "", detail: "full" });
  expect(await form.send((_header) => Promise.reject(refused))).toBeNull();
  expect(form.problem).toBe(refused);
  expect(refused.again).toBeNull();
});

it("sends nothing again that was withdrawn, and says no more of it", async () => {
  const form = new Form();
  const act = vi.fn((_header) => Promise.reject(offline("away")));
  const sent = form.send(act);
  await vi.waitFor(() => expect(form.isBusy).toBe(false));
  expect(form.waits).toBe(true);
  const again = form.problem?.again;
  form.withdraw();
  again?.send();
  expect(await sent).toBeNull();
  expect(form.problem).toBeNull();
  expect(act).toHaveBeenCalledTimes(1);
});

it("does not wait with what was withdrawn before its answer failed to come", async () => {
  const form = new Form();
  let fail: (error: Error) => void = () => undefined;
  const sent = form.send((_header) => new Promise((_, reject) => (fail = reject)));
  form.withdraw();
  fail(offline("tries again"));
  expect(await sent).toBeNull();
  expect(form.waits).toBe(false);
  expect(form.problem?.body.detail).toContain("send them again");
});

it("withdraws by the problem that is shown only what that problem is of", async () => {
  const form = new Form();
  const first = form.send((_header) => Promise.reject(offline("away")));
  await vi.waitFor(() => expect(form.isBusy).toBe(false));
  const old = form.problem?.again;
  const second = form.send((_header) => Promise.reject(offline("still away")));
  await vi.waitFor(() => expect(form.isBusy).toBe(false));
  old?.withdraw();
  expect(form.waits).toBe(true);
  form.problem?.again?.withdraw();
  expect([await first, await second, form.problem]).toEqual([null, null, null]);
});

it("names English as the language of a fault of the server at its field", async () => {
  const form = new Form();
  const errors = [
    { in: "body", pointer: "/weight_kg", name: null, code: "too_small", message: "`weight_kg` must be above 0" },
    {
      in: "body",
      pointer: "/weight_kg",
      name: null,
      code: "too_precise",
      message: "`weight_kg` has too many decimals",
    },
  ];
  const refused = new Problem({ status: 400, code: "validation_failed", title: "", detail: "", errors } as ProblemBody);
  await form.send(() => Promise.reject(refused));
  expect(form.fault("/weight_kg")).toEqual({ text: "Must be above 0 Has too many decimals", lang: "en" });
  expect(form.fault("/pieces")).toBeNull();
});

it("names no language of what the console says at a field", () => {
  const own = "Geben Sie eine Zahl ein.";
  expect([textOf(own), langOf(own)]).toEqual([own, undefined]);
  const said = { text: "Must be above 0", lang: "en" } as const;
  expect([textOf(said), langOf(said)]).toEqual(["Must be above 0", "en"]);
  expect([ofServer(["Must be above 0"]), ofServer([])]).toEqual([said, null]);
});

import { expect, it, vi } from "vitest";
import { offline, Problem } from "../../api/problem";
import { PaymentForm } from "./payment";

vi.stubGlobal("document", { querySelector: () => null });

/** Fields that give another token each time, and what was sent. */
function payment() {
  let asked = 0;
  const fields = { terms: () => Promise.resolve({ payment_token: `pm_${++asked}` }) };
  const sent: string[][] = [];
  const it = new PaymentForm();
  const send = (outcome?: Error) =>
    it.send(fields, (terms, header) => {
      sent.push([(terms as { payment_token: string }).payment_token, header["Idempotency-Key"]]);
      return outcome ? Promise.reject(outcome) : Promise.resolve("done");
    });
  return { it, send, sent };
}
const problem = (status: number, code: string) => new Problem({ status, code, title: code, detail: code });

it("sends the same token with the same key after a refusal that is none of the payment", async () => {
  const { send, sent } = payment();
  await send(problem(500, "internal_error"));
  await send();
  expect(sent[0]).toEqual(sent[1]);
  await send();
  expect(sent[2]?.[0]).toBe("pm_2");
});

it("asks for another token, and takes another key, after a payment that was declined", async () => {
  const { send, sent } = payment();
  await send(problem(402, "payment_declined"));
  await send();
  expect(sent.map(([token]) => token)).toEqual(["pm_1", "pm_2"]);
  expect(sent[0]?.[1]).not.toBe(sent[1]?.[1]);
});

it("sends no other terms under the key of what is on its way, and others afterwards", async () => {
  const { it, send, sent } = payment();
  const first = send(problem(500, "internal_error"));
  it.changed();
  await first;
  await send();
  expect(sent.map(([token]) => token)).toEqual(["pm_1", "pm_2"]);
  expect(sent[0]?.[1]).not.toBe(sent[1]?.[1]);
});

it("sends what is entered anew, and not what waits", async () => {
  const { it, send, sent } = payment();
  const first = send(offline("away"));
  await vi.waitFor(() => expect(it.form.waits).toBe(true));
  it.changed();
  expect(await first).toBeNull();
  await send();
  expect(sent.map(([token]) => token)).toEqual(["pm_1", "pm_2"]);
  expect(sent[0]?.[1]).not.toBe(sent[1]?.[1]);
});

import { expect, it } from "vitest";
import { termsOf, methodsOf } from "./methods";

const USD = (amount: string) => ({ amount, currency: "USD" });
const test = { provider: "test", fields: null, guests_on_invoice: false };
const asked = { options: test, available: null, amount: USD("900.00"), isBooking: true, isGuest: true };

it("a guest pays now, and on invoice only where the carrier allows it or nobody can pay", () => {
  expect(methodsOf(asked)).toEqual(["token"]);
  const lenient = { ...test, guests_on_invoice: true };
  expect(methodsOf({ ...asked, options: lenient })).toEqual(["token", "invoice"]);
  expect(methodsOf({ ...asked, options: { ...test, provider: null } })).toEqual(["invoice"]);
  // What is booked already is on invoice as it is.
  expect(methodsOf({ ...asked, options: lenient, isBooking: false })).toEqual(["token"]);
});

it("a credit account is offered only to whom it covers the amount", () => {
  const customer = { ...asked, isGuest: false };
  expect(methodsOf(customer)).toEqual(["later", "token"]);
  expect(methodsOf({ ...customer, available: USD("900.00") })).toEqual(["later", "account", "token"]);
  expect(methodsOf({ ...customer, available: USD("899.99") })).toEqual(["later", "token"]);
  expect(methodsOf({ ...customer, available: { amount: "900", currency: "JPY" } })).toEqual(["later", "token"]);
  expect(methodsOf({ ...customer, available: USD("900.00"), isBooking: false })).toEqual(["account", "token"]);
});

it("says how something is paid, and nothing of what is paid later or on an invoice", async () => {
  const adapter = { token: () => Promise.resolve("tok_ok") };
  expect(await termsOf("account", true, null)).toEqual({ payment_method: "ACCOUNT" });
  expect(await termsOf("token", true, adapter)).toEqual({ payment_token: "tok_ok" });
  for (const method of ["later", "invoice", null] as const) expect(await termsOf(method, true, adapter)).toEqual({});
});

it("books nothing before the methods of payment, and the fields of the one that is chosen, are there", async () => {
  await expect(termsOf(null, false, null)).rejects.toThrow("could not be loaded");
  await expect(termsOf("token", true, null)).rejects.toThrow("could not be loaded");
});

import { expect, it, vi } from "vitest";
import { fieldsOf, units } from "./hosted";

it("amounts are in the units of the provider", () => {
  const of = (amount: string, currency: string) => units({ amount, currency });
  expect([of("12.50", "USD"), of("1200", "JPY"), of("1.500", "KWD")]).toEqual([1250, 1200, 1500]);
  expect([of("5", "ISK"), of("5", "UGX"), of("12.40", "MGA")]).toEqual([500, 500, 12]);
});

/** A provider that answers like this, and what it was asked. */
function provider(submitted: object, made: object) {
  const element = { mount: vi.fn(), on: vi.fn(), destroy: vi.fn() };
  const elements = { create: vi.fn(() => element), submit: vi.fn(() => Promise.resolve(submitted)), update: vi.fn() };
  const it = { elements: vi.fn(() => elements), createPaymentMethod: vi.fn(() => Promise.resolve(made)) };
  return { it, elements, element };
}
const place = {} as HTMLElement;
const USD = (amount: string) => ({ amount, currency: "USD" });

it("fields show the amount, follow its change, and give the id of a payment method", async () => {
  const { it, elements, element } = provider({}, { paymentMethod: { id: "pm_1" } });
  const onchange = vi.fn();
  const fields = fieldsOf(it, USD("12.50"), place, onchange);
  expect(it.elements).toHaveBeenCalledWith(expect.objectContaining({ mode: "payment", amount: 1250, currency: "usd" }));
  expect(element.mount).toHaveBeenCalledWith(place);
  expect(element.on).toHaveBeenCalledWith("change", onchange);
  fields.update(USD("13.00"));
  expect(elements.update).toHaveBeenCalledWith({ amount: 1300 });
  expect(await fields.token()).toBe("pm_1");
  fields.end();
  expect(element.destroy).toHaveBeenCalledOnce();
});

it("what the fields or the provider refuse is shown in the provider's words, and gives no token", async () => {
  const incomplete = provider({ error: { message: "Your card number is incomplete." } }, {});
  await expect(fieldsOf(incomplete.it, USD("1.00"), place, vi.fn()).token()).rejects.toThrow(
    "Your card number is incomplete.",
  );
  expect(incomplete.it.createPaymentMethod).not.toHaveBeenCalled();
  const refused = provider({}, { error: {} });
  await expect(fieldsOf(refused.it, USD("1.00"), place, vi.fn()).token()).rejects.toThrow(
    "does not accept these details",
  );
});
